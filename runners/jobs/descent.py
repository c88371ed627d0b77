"""`kinprint descent`: does a recording's model share weight ancestry with a named parent?"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from analysis.descent.ancestry import DescentEvidence, descent
from analysis.report.hostile import visible
from analysis.report.words import NAME_LIMIT
from probes.errors import KinprintError
from probes.recording import load_recording
from runners.compose import settings_of
from runners.jobs.attribute import open_library
from runners.settings import DescentSettings

COLUMNS = (
    "parent",
    "decision",
    "effect",
    "innocents",
    "p_value",
    "p_adjusted",
    "e_value",
    "basis",
    "controls",
    "bound",
)


def main(overrides: list[str]) -> int:
    """The command line's entry; 0 whatever the decision."""
    settings = settings_of("descent", DescentSettings, overrides)
    parents = [settings.parent] if isinstance(settings.parent, str) else list(settings.parent)
    if not parents or not 0 < settings.alpha < 0.5:
        raise KinprintError(
            f"descent needs a parent, and alpha between 0 and 0.5; they are {parents}, {settings.alpha}"
        )
    recording = load_recording(settings.recording)
    found = descent(recording, open_library(settings.library, settings.leave_out), parents, settings.alpha)
    if settings.out is not None:
        _save(found, settings.alpha, Path(settings.out) / "descent.json")
    print(*COLUMNS, sep="\t")
    for one in found:
        print(*(_cell(getattr(one, column)) for column in COLUMNS), sep="\t")
        print(f"kinprint: {in_words(one, recording.manifest.candidate)}", file=sys.stderr)
    return 0


def in_words(evidence: DescentEvidence, candidate: str) -> str:
    """The decision about one parent as a sentence."""
    name, parent = visible(candidate, NAME_LIMIT), visible(evidence.parent, NAME_LIMIT)
    says = {
        "shared_ancestry": f"{name} shares weight ancestry with {parent}",
        "independent_not_rejected": f"that {name} was trained independently of {parent} is not rejected",
        "undecidable": f"whether {name} descends from {parent} can't be decided",
    }[evidence.decision]
    bound = ""
    if evidence.p_value is not None and evidence.bound is not None:
        share = f"{100 * evidence.bound:.1f}%"
        bound = f"; {evidence.lineages} independent trainings can't exclude that {share} of innocents would be accused"
    return f"{says}: {evidence.reason}{bound}."


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else visible(str(value), NAME_LIMIT)


def _save(found: Sequence[DescentEvidence], alpha: float, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"alpha": alpha, "descent": [asdict(one) for one in found]}, indent=1, ensure_ascii=False)
    unfinished = path.with_name(path.name + ".partial")
    unfinished.write_text(text + "\n", "utf-8")
    unfinished.replace(path)
