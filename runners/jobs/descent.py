"""`kinprint descent`: does a recording's model share weight ancestry with a named parent?"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.descent.ancestry import descent
from analysis.descent.evidence import DescentEvidence
from analysis.report.hostile import NAME_LIMIT, visible
from probes.errors import KinprintError
from probes.recording import load_recording
from probes.write_whole import write_whole
from runners.compose import settings_of
from runners.jobs.attribute import checked_alpha, open_library
from runners.settings import LeaveOutSettings, LibrarySettings

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


@dataclass
class DescentSettings:
    """`kinprint descent`: whether a recording's model shares weight ancestry with a parent, or several."""

    recording: str
    parent: Any
    alpha: float
    library: LibrarySettings
    leave_out: LeaveOutSettings
    out: str | None


def main(overrides: list[str]) -> int:
    """The command line's entry; 0 whatever the decision."""
    settings = settings_of("descent", DescentSettings, overrides)
    parents = [settings.parent] if isinstance(settings.parent, str) else list(settings.parent)
    if not parents:
        raise KinprintError("name a parent, or several as parent=[smollm2,gemma3]")
    alpha = checked_alpha(settings.alpha)
    recording = load_recording(settings.recording)
    found = descent(recording, open_library(settings.library, settings.leave_out), parents, alpha)
    if settings.out is not None:
        _save(found, alpha, Path(settings.out) / "descent.json")
    print(*COLUMNS, sep="\t")
    for one in found:
        print(*(_cell(getattr(one, column)) for column in COLUMNS), sep="\t")
        print(f"kinprint: {one.in_words(recording.manifest.candidate)}", file=sys.stderr)
    return 0


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else visible(str(value), NAME_LIMIT)


def _save(found: Sequence[DescentEvidence], alpha: float, path: Path) -> None:
    text = json.dumps({"alpha": alpha, "descent": [asdict(one) for one in found]}, indent=1, ensure_ascii=False)
    write_whole(path, text + "\n")
