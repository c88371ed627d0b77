"""`kinprint batch report`: one page over a batch, from what its sweeps left."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from analysis.report.batch_page import Candidate, write_batch_page
from analysis.trees.family_tree import FamilyTree, family_tree
from analysis.verdict import Verdict
from probes.errors import KinprintError
from probes.recording import Recording, load_recording
from runners.batch.summary import Line, load_summary, summary_file
from runners.compose import settings_of
from runners.jobs.attribute import open_library, rules
from runners.progress import say
from runners.settings import EstimatorSettings, LeaveOutSettings, LibrarySettings


@dataclass
class BatchReportSettings:
    """`kinprint batch report`: the page over the batch in a folder, with a tree as `kinprint tree` makes it."""

    batch: str
    out: str | None
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings
    replicates: int
    seed: int


def main(overrides: list[str]) -> int:
    """The command line's entry; the one sub-verb is `report`."""
    if overrides[:1] != ["report"]:
        raise KinprintError("say 'kinprint batch report [overrides]'; see 'kinprint batch --help'")
    settings = settings_of("batch_report", BatchReportSettings, overrides[1:])
    batch = Path(settings.batch)
    judged = load_summary(batch, "attribute")
    if not judged:
        raise KinprintError(f"there is no {summary_file(batch, 'attribute')}; 'kinprint attribute -m' writes it")
    out = Path(settings.out) if settings.out is not None else batch / "batch.html"
    verdicts = {line.recording: _verdict(Path(line.out)) for line in judged if line.status != "failed"}
    spoke = [recording for recording, verdict in verdicts.items() if verdict.decision != "no_signal"]
    tree, leaves, no_tree = _tree(settings, spoke)
    candidates = _candidates(batch, judged, out, verdicts, leaves)
    print(write_batch_page(candidates, tree, no_tree, out, f"Made from {batch} by kinprint."))
    return 0


def _candidates(
    batch: Path, judged: Sequence[Line], out: Path, verdicts: Mapping[str, Verdict], leaves: Mapping[str, str]
) -> list[Candidate]:
    """Those that were judged, and before them those that could not even be asked."""
    asked = [line for line in load_summary(batch, "collect") if line.status == "failed"]
    found = [Candidate(line.candidate, why=line.why) for line in asked]
    reports = {line.recording: line.out for line in load_summary(batch, "report") if line.status != "failed"}
    for line in judged:
        page = reports.get(line.recording)
        link = quote(os.path.relpath(page, out.parent)) if page and Path(page).is_file() else None
        one = line.recording
        found.append(Candidate(line.candidate, verdicts.get(one), line.why, link, leaves.get(one)))
    return found


def _verdict(folder: Path) -> Verdict:
    path = folder / "verdict.json"
    try:
        return Verdict.load(path)
    except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
        raise KinprintError(f"{path} is missing or damaged ({error}); 'kinprint attribute -m' writes it") from error


def _tree(settings: BatchReportSettings, spoke: Sequence[str]) -> tuple[FamilyTree | None, dict[str, str], str]:
    """The tree of the recordings that were asked the same in the same way, the most there are; or why there is none.

    With each recording's name there: the tree tells apart those that bear the same.
    """
    recordings = {folder: load_recording(folder) for folder in spoke}
    if not recordings:
        return None, {}, "no candidate gave a signal"
    [(common, _)] = Counter(map(_asked, recordings.values())).most_common(1)
    alike = {folder: one for folder, one in recordings.items() if _asked(one) == common}
    if len(alike) < len(recordings):
        say(f"{len(recordings) - len(alike)} of {len(recordings)} were asked something else; the tree leaves them out")
    try:
        library = open_library(settings.library, settings.leave_out)
        whole = list(alike.values())
        tree = family_tree(library, whole, None, rules(settings.estimator), settings.replicates, settings.seed)
    except KinprintError as error:
        return None, {}, str(error)
    leaves = [name for name, family in zip(tree.names, tree.families, strict=True) if family is None]
    return tree, dict(zip(alike, leaves, strict=True)), ""


def _asked(recording: Recording) -> tuple[str, str]:
    return recording.manifest.suite["sha256"], recording.manifest.tier
