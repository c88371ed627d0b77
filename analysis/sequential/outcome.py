"""What a probe shows after each look, and what it ends with: `probe.json`."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from analysis.report.hostile import NAME_LIMIT, visible
from analysis.verdict import kinprint_version, percent

Goal = Literal["family", "descent"]
Stopped = Literal["decided", "budget", "canaries_used_up", "interrupted"]
Decision = Literal[
    "attributed", "unknown", "inconclusive", "shared_ancestry", "independent_not_rejected", "undecidable", "no_signal"
]
_WHY = {
    "decided": "the error bound holds",
    "budget": "the budget is spent",
    "canaries_used_up": "there is nothing left to ask that the library knows",
    "interrupted": "it was interrupted; the same command goes on",
}


@dataclass(frozen=True)
class Look:
    """After so many `canaries`: what leads, its posterior (family) or effect (descent), the p-value that holds
    whenever one stops, and the evidence that it amounts to."""

    canaries: int
    leading: str
    value: float
    p_value: float | None
    e_value: float | None


@dataclass(frozen=True)
class Outcome:
    """The answer of a probe. `named` is the family or the parent that it is about; `lineages` the independent trainings
    that the bound rests on; `queries` those sent so far, by whoever asked."""

    candidate: str
    goal: Goal
    decision: Decision
    named: str | None
    alpha: float
    reason: str
    stopped_because: Stopped | None
    looks: tuple[Look, ...] = ()
    lineages: int = 0
    queries: int = 0
    library: str = ""
    order: str = "informative"
    batch: int = 1
    warnings: tuple[str, ...] = ()
    version: str = field(default_factory=kinprint_version)

    def save(self, path: Path) -> None:
        """Write `probe.json`, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".partial")
        unfinished.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", "utf-8")
        os.replace(unfinished, path)

    def in_words(self) -> str:
        """The answer in a sentence, and why no more was asked; names are spelled out."""
        name, named = visible(self.candidate, NAME_LIMIT), visible(self.named or "", NAME_LIMIT)
        value = percent(self.looks[-1].value) if self.looks and self.goal == "family" else ""
        says = {
            "attributed": f"{name} is of the {named} family (probability {value})",
            "unknown": f"{name} is of none of the known families (probability {value})",
            "inconclusive": f"the answers of {name} don't settle its family",
            "shared_ancestry": f"{name} shares weight ancestry with {named}",
            "independent_not_rejected": f"that {name} was trained independently of {named} is not rejected",
            "undecidable": f"whether {name} descends from {named} can't be decided",
            "no_signal": f"no verdict on {name}",
        }[self.decision]
        why = f". Stopped because {_WHY[self.stopped_because]}" if self.stopped_because else ""
        return f"{says}: {self.reason}{why}."
