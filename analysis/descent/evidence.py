"""What the descent test found about one parent, as `descent.json` and `verdict.json` hold it."""

from dataclasses import dataclass
from typing import Literal

from analysis.report.hostile import NAME_LIMIT, visible

Decision = Literal["shared_ancestry", "independent_not_rejected", "undecidable"]


@dataclass(frozen=True)
class DescentEvidence:
    """What is known about one parent.

    `effect`: 0 where the parent explains no more of the candidate than its rivals do, 1 for a copy (docs/descent.md);
    `innocents` the highest that an innocent reached with anybody. `p_value` against "trained independently", by `basis`
    "rank" where innocents reached the effect, else by the "model" of the null; `p_adjusted` for the number of parents
    tried (Holm); `e_value` from the p-value. `controls`: independent trainings with the parent's vocabulary. `bound`:
    as far as `lineages` independent trainings can tell, at most this share of innocents reach as much (95%). `reason`
    says in words why the decision is what it is.
    """

    parent: str
    decision: Decision
    reason: str
    access: str
    effect: float | None = None
    innocents: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    e_value: float | None = None
    basis: Literal["rank", "model"] | None = None
    controls: int = 0
    lineages: int = 0
    bound: float | None = None

    def in_words(self, candidate: str) -> str:
        """The decision as a sentence; names are spelled out."""
        name, parent = visible(candidate, NAME_LIMIT), visible(self.parent, NAME_LIMIT)
        says = {
            "shared_ancestry": f"{name} shares weight ancestry with {parent}",
            "independent_not_rejected": f"that {name} was trained independently of {parent} is not rejected",
            "undecidable": f"whether {name} descends from {parent} can't be decided",
        }[self.decision]
        bound = ""
        if self.p_value is not None and self.bound is not None:
            share = f"{100 * self.bound:.1f}%"
            bound = f"; {self.lineages} independent trainings can't exclude that {share} of innocents reach as much"
        return f"{says}: {self.reason}{bound}."
