"""What came of one suspect in a case: what was found, whether it is what had to come out, and what it took."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from analysis.accusation import Findings
from probes.write_whole import write_whole

NAME = "outcome.json"


@dataclass(frozen=True)
class Outcome:
    """`model` is who was asked, `parent` who it is said to come from; `missed` says in words what came out otherwise.

    `expected`: the conclusion asked for, None where nobody knows. `seconds` by the clock and `cpu_seconds` of this
    process and those it started, the engine's start included; None where not measured. `settings` are those that it was
    found with.
    """

    suspect: str
    model: str
    parent: str | None
    expected: str | None
    found: Findings
    missed: tuple[str, ...]
    queries: int
    seconds: float
    cpu_seconds: float | None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """Whether all came out that had to."""
        return not self.missed

    def save(self, folder: Path) -> None:
        """Write it into the suspect's folder."""
        write_whole(folder / NAME, json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def of_entry(cls, entry: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(**{**entry, "found": Findings.of_entry(entry["found"]), "missed": tuple(entry["missed"])})


def kept_outcome(folder: Path, settings: dict[str, Any]) -> Outcome | None:
    """The outcome that an earlier run left in a folder, if it was found with the same settings."""
    path = folder / NAME
    if not path.is_file():
        return None
    entry = json.loads(path.read_text("utf-8"))
    return Outcome.of_entry(entry) if entry["settings"] == json.loads(json.dumps(settings)) else None


def save_all(outcomes: Sequence[Outcome], title: str, path: Path) -> None:
    """Write all outcomes of a case as JSON."""
    rows = [{**asdict(one), "conclusion": one.found.conclusion, "right": one.right} for one in outcomes]
    summary = {"case": title, "right": all(one.right for one in outcomes), "outcomes": rows}
    write_whole(path, json.dumps(summary, indent=1, ensure_ascii=False) + "\n")


def load_all(path: Path) -> list[Outcome]:
    """The outcomes that `save_all` wrote."""
    rows = json.loads(path.read_text("utf-8"))["outcomes"]
    return [Outcome.of_entry({k: v for k, v in one.items() if k not in ("conclusion", "right")}) for one in rows]
