"""Which runs a batch consists of: everything is composed, and every mistake said, before anything runs."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from analysis.libraries.library import INDEX, SHIPPED, ZOO
from analysis.verdict import kinprint_version
from probes.errors import CandidateError, KinprintError
from runners.batch.candidates import Row, candidates
from runners.batch.run import FOLDERS, Run, output
from runners.batch.settings import MultirunSettings, ResourcesSettings
from runners.batch.sweep import sweep
from runners.compose import construct, settings_of
from runners.jobs.collect import name_of, serving
from runners.settings import (
    AttributeSettings,
    CollectSettings,
    LibrarySettings,
    ReportSettings,
)
from runners.starts import start_of
from runners.suites import suite_of
from runners.zoo.models import FROM_ZOO

_OF_RECORDINGS: dict[str, type[AttributeSettings] | type[ReportSettings]] = {
    "attribute": AttributeSettings,
    "report": ReportSettings,
}
_SOURCE = {"collect": "candidates"} | dict.fromkeys(_OF_RECORDINGS, "recordings")
_TEXTS = ("candidate.model", "candidate.name", "candidate.adapter")
_NONE = ("", "null", "???")


def planned(verb: str, words: Sequence[str], settings: MultirunSettings) -> list[Run]:
    """The runs of `kinprint VERB -m`, each configuration once. Raises KinprintError, and says where, on a mistake.

    `words` are the overrides that are not the batch's own.
    """
    for other in {"candidates", "recordings"} - {_SOURCE[verb]}:
        if getattr(settings, other) is not None:
            raise KinprintError(f"kinprint {verb} -m takes {_SOURCE[verb]}=, not {other}=")
    if any(word.partition("=")[0] == "out" for word in words):
        raise KinprintError("with -m, outputs go into the folder batch=DIR, under names of their own; leave 'out' away")
    runs = _of_candidates(words, settings) if verb == "collect" else _of_recordings(verb, words, settings)
    return list({run.out: run for run in runs}.values())


def _of_candidates(words: Sequence[str], settings: MultirunSettings) -> list[Run]:
    rows = [Row((), "")] if settings.candidates is None else candidates(Path(settings.candidates))
    composed: dict[Any, tuple[CollectSettings, str]] = {}
    combinations = list(sweep(words))
    return [_collect(row, said, Path(settings.batch), composed) for row in rows for said in combinations]


def _composed(overrides: Sequence[str], known: dict[Any, tuple[CollectSettings, str]]) -> tuple[CollectSettings, str]:
    """The settings and the hash of the suite; what differs only in `_TEXTS` is composed once, since that takes long."""
    pairs = [override.partition("=")[::2] for override in overrides]
    texts = {key: value for key, value in pairs if key in _TEXTS and value not in _NONE and value[:1] not in "'\""}
    rest = tuple(override for override, (key, _) in zip(overrides, pairs, strict=True) if key not in texts)
    if (rest, *texts) not in known:
        settings = settings_of("collect", CollectSettings, [*rest, *(f"{key}=x" for key in texts), "out=x"])
        if settings.dry_run:
            raise KinprintError("dry_run=true says what one candidate costs; leave -m away")
        known[rest, *texts] = settings, suite_of(settings.suite).sha256
    settings, suite = known[rest, *texts]
    own = {key.removeprefix("candidate."): value for key, value in texts.items()}
    return replace(settings, candidate=replace(settings.candidate, **own)), suite


def _collect(row: Row, said: Sequence[str], batch: Path, composed: dict[Any, tuple[CollectSettings, str]]) -> Run:
    overrides = (*(word for word in said if word.partition("=")[0] not in row.keys), *row.overrides)
    try:
        settings, suite = _composed(overrides, composed)
    except KinprintError as error:
        raise KinprintError(f"{row.where}: {error}" if row.where else str(error)) from error
    decides = asdict(settings)
    for beside in ("out", "budget", "dry_run"):
        del decides[beside]
    del decides["candidate"]["resources"]
    for place in ("model", "adapter"):
        if (path := decides["candidate"][place]) is not None and Path(path).exists():
            decides["candidate"][place] = str(Path(path).resolve())
    name = name_of(settings.candidate)
    out = output(batch, "collect", name, {**decides, "suite_sha256": suite})
    return Run("collect", name, overrides, out, _start(settings) or str(out), _resources(settings))


def _start(settings: CollectSettings) -> str | None:
    """What serving the candidate starts; None where it can't be served, as the run itself will find.

    A model of the zoo is not fetched for that.
    """
    named = replace(settings.candidate, model=settings.candidate.model.removeprefix(FROM_ZOO))
    try:
        return start_of(construct(settings.backend, **serving(named)))
    except CandidateError:
        return None


def _resources(settings: CollectSettings) -> ResourcesSettings:
    """What the candidate says that it takes; GPUs by default as many as the engine is spread over."""
    wanted, engine = settings.candidate.resources, settings.backend.get("engine")
    if wanted.gpus is not None or wanted.nodes < 1:
        return wanted
    said = [(engine or {}).get(f"{way}_parallel_size") for way in ("tensor", "pipeline", "data")]
    spread = math.prod(size for size in said if isinstance(size, int))  # anything else the engine will refuse
    gpus = 0 if engine is None else -(-spread // wanted.nodes)
    return replace(wanted, gpus=gpus)


def _of_recordings(verb: str, words: Sequence[str], settings: MultirunSettings) -> list[Run]:
    runs = []
    for said in sweep(words):
        named = [word.partition("=")[2].strip("'\"") for word in said if word.partition("=")[0] == "recording"]
        rest = tuple(word for word in said if word.partition("=")[0] != "recording")
        runs += _judged(verb, [Path(one) for one in named] or _recordings(settings), rest, Path(settings.batch))
    return runs


def _recordings(settings: MultirunSettings) -> list[Path]:
    folder = Path(settings.recordings or Path(settings.batch) / FOLDERS["collect"])
    found = sorted(manifest.parent for manifest in folder.glob("*/manifest.json"))
    if not found:
        raise KinprintError(
            f"there is no recording in {folder}; 'kinprint collect -m' makes them, recordings=DIR names another folder"
        )
    return found


def _judged(verb: str, recordings: Sequence[Path], said: tuple[str, ...], batch: Path) -> list[Run]:
    """Composed once: only the recording differs."""
    settings = settings_of(verb, _OF_RECORDINGS[verb], [*said, f"recording={recordings[0]}", "out=x"])
    decides = asdict(settings) | {
        "kinprint": kinprint_version(),
        "libraries": [_digest(one) for one in (settings.library, settings.controls)],
    }
    runs = []
    for recording in recordings:
        manifest = recording / "manifest.json"
        content = manifest.read_bytes() if manifest.is_file() else b""
        digest = hashlib.sha256(content).hexdigest()
        out = output(batch, verb, recording.name, {**decides, "recording": digest})
        overrides = (*said, f"recording={recording}")
        name = _candidate(content) or recording.name
        runs.append(Run(verb, name, overrides, out, verb, ResourcesSettings(gpus=0), str(recording)))
    return runs


def _candidate(manifest: bytes) -> str | None:
    try:
        name = json.loads(manifest)["candidate"]
    except (ValueError, KeyError, TypeError):  # the run itself will say what is wrong with it
        return None
    return name if isinstance(name, str) else None


def _digest(library: LibrarySettings) -> str | None:
    """Changes when a member comes or goes."""
    folder = {None: SHIPPED, "shipped:zoo": ZOO}.get(library.path) or Path(str(library.path))
    files: list[Any] = [folder / INDEX, library.lineage and Path(library.lineage)]
    read = [file.read_bytes() for file in files if file and file.is_file()]
    return hashlib.sha256(b"\0".join(read)).hexdigest() if read else None
