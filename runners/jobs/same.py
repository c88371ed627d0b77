"""`kinprint same`: are two recordings of the same model?"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from analysis.equality.difference_kind import kind_of
from analysis.equality.equality import Equality, Margin, equality, measured_margin
from analysis.equality.paired import pair
from analysis.report.equality import in_words
from probes.errors import KinprintError
from probes.recording import Recording, load_recording
from runners.compose import settings_of
from runners.jobs.attribute import open_library
from runners.jobs.evaluate import save
from runners.settings import LeaveOutSettings, LibrarySettings

STATUS = {"same": 0, "different": 1, "undecidable": 3}


@dataclass
class SameSettings:
    """`kinprint same`: whether the recordings `a` and `b` are of the same model."""

    a: str
    b: str
    again: list[str]
    margin: float | None
    alpha: float
    library: LibrarySettings
    out: str | None
    seed: int


def main(overrides: list[str]) -> int:
    """The command line's entry; returns the decision as an exit status."""
    settings = settings_of("same", SameSettings, overrides)
    if settings.out is not None and Path(settings.out).is_dir():
        raise KinprintError(f"out={settings.out} is a folder; name the JSON file to write")
    found = run(settings)
    if settings.out is not None:
        save({"a": settings.a, "b": settings.b, **found.entry()}, Path(settings.out))
    print(in_words(found))
    return STATUS[found.decision]


def run(settings: SameSettings) -> Equality:
    """Compare, and name the kind of a difference."""
    return compared(load_recording(settings.a), load_recording(settings.b), settings)


class Comparing(Protocol):
    """What comparing takes beside the recordings."""

    again: list[str]
    margin: float | None
    alpha: float
    seed: int
    library: LibrarySettings


def compared(one: Recording, other: Recording, settings: Comparing) -> Equality:
    """Compare two recordings, and name the kind of a difference."""
    paired = pair(one, other)
    margin = None if settings.margin is None else Margin(settings.margin, "setting")
    if margin is None and settings.again:
        margin = measured_margin([pair(one, load_recording(folder)) for folder in settings.again])
    found = equality(paired, settings.alpha, margin, settings.seed)
    if found.decision != "different":
        return found
    kind = kind_of(one, other, paired, open_library(settings.library, LeaveOutSettings()))
    return replace(found, kind=kind.name, why=(kind.why, *found.why))
