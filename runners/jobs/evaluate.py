"""`kinprint evaluate`: how well a library of recordings attributes its own models."""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.channels import all_channels
from analysis.evaluation.evaluation import DEFAULTS, Budget, Models, Plan, evaluate_models
from analysis.evaluation.folds import Settings
from analysis.libraries.lineage import Lineage, load_lineage, unknown_names
from analysis.signatures.signature import Signature, align, signature
from probes.errors import KinprintError, LibraryError
from probes.recording import load_recording
from probes.write_whole import write_whole
from runners.compose import settings_of
from runners.progress import counting, say


@dataclass
class EvaluateSettings:
    """`kinprint evaluate`: how well a library of recordings attributes. Budgets are whole numbers, or `all`."""

    recordings: str
    lineage: str
    out: str
    budgets: list[Any]
    seeds: int
    channels: list[str]
    unknown_prior: float | None
    regularisation: float
    jobs: int


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("evaluate", EvaluateSettings, overrides)
    plan, out = plan_of(settings), Path(settings.out)
    if out.is_dir():
        raise KinprintError(f"out={out} is a folder; name the JSON file to write")
    path = Path(settings.lineage)
    lineage = load_lineage(path)
    signatures, warnings = read_signatures(Path(settings.recordings), lineage, plan.channels or DEFAULTS)
    warnings += [
        f"{name} is named in {path.name} as a parent or twin, and has no line" for name in unknown_names(lineage, path)
    ]
    for warning in warnings:
        say(f"warning: {warning}")
    with ExitStack() as bars:
        models = Models.of(signatures, lineage, plan, progress_on(bars))
        del signatures  # gigabytes, of a large library
        figures = evaluate_models(models, plan, progress_on(bars))
    figures["warnings"] = warnings + figures["warnings"]
    save(figures, out)
    print(out)
    return 0


def plan_of(settings: EvaluateSettings) -> Plan:
    """The plan, from the settings. Raises KinprintError on a value that makes no sense."""
    budgets: list[Budget] = []
    for budget in settings.budgets:
        if budget != "all" and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 1):
            raise KinprintError(f"a budget is a whole number from 1 on, or all; it is {budget!r}")
        budgets.append(budget)
    if not budgets:
        raise KinprintError("budgets is empty; name at least one, such as [8,16,32,64,all]")
    if settings.seeds < 1:
        raise KinprintError(f"seeds must be at least 1; it is {settings.seeds}")
    if settings.jobs < 1:
        raise KinprintError(f"jobs must be at least 1; it is {settings.jobs}")
    if unknown := [name for name in settings.channels if name not in all_channels()]:
        raise KinprintError(f"there is no channel {unknown[0]!r}; known are {', '.join(sorted(all_channels()))}")
    if settings.unknown_prior is not None and not 0 < settings.unknown_prior < 1:
        raise KinprintError(f"unknown_prior must lie between 0 and 1; it is {settings.unknown_prior}")
    if not settings.regularisation > 0:
        raise KinprintError(f"regularisation must be above 0; it is {settings.regularisation}")
    estimator = Settings(settings.unknown_prior, settings.regularisation)
    return Plan(tuple(dict.fromkeys(budgets)), settings.seeds, tuple(settings.channels), estimator, settings.jobs)


def read_signatures(
    folder: Path, lineage: dict[str, Lineage], channels: Collection[str] | None = None
) -> tuple[list[Signature], list[str]]:
    """Aligned signatures of the recordings that have a line of lineage, with these channels, and what to warn of."""
    paths = sorted(path.parent for path in folder.glob("*/manifest.json"))
    if not paths:
        raise LibraryError(f"there are no recordings in {folder}; name the folder that holds one folder a model")
    found = {one.name: one for one in _signatures(paths, channels)}
    if len(found) < len(paths):
        raise LibraryError(f"{folder} holds two recordings of one name; every model has one")
    warnings = [
        f"{name} has a recording and no line of lineage; it is left out" for name in sorted(set(found) - set(lineage))
    ]
    warnings += [f"{name} has a line of lineage and no recording" for name in sorted(set(lineage) - set(found))]
    warnings += [
        f"{one.name} gave no usable answer; it is left out" for one in found.values() if not one.answered.any()
    ]
    used = [one for name, one in sorted(found.items()) if name in lineage and one.answered.any()]
    if not used:
        raise LibraryError(f"no recording in {folder} has a line of lineage: do the names agree?")
    common = set.intersection(*(set(one.digests) for one in used))
    shared = [digest for digest in used[0].digests if digest in common]
    if not shared:
        raise LibraryError(f"the recordings in {folder} have no prompt in common; record or import them with one suite")
    if most := max(len(one.canaries) for one in used) - len(shared):
        warnings.append(f"up to {most} prompts of a recording are not in all others, and are left out")
    return align(used, shared), warnings


def progress_on(bars: ExitStack) -> Callable[[str, int], Callable[[], object]]:
    """Progress bars, one after the other."""

    def begin(what: str, total: int) -> Callable[[], object]:
        bars.close()
        return bars.enter_context(counting(what, total)).step

    return begin


def save(figures: dict[str, Any], out: Path) -> None:
    """Write the JSON, whole or not at all."""
    write_whole(out, json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _signatures(paths: list[Path], channels: Collection[str] | None) -> Iterator[Signature]:
    with counting("reading recordings", len(paths)) as progress:
        for path in paths:
            yield signature(load_recording(path), wholes=False, only=channels)
            progress.step()
