"""What a dispute comes to: the rungs that were looked at, each by itself, and whether they bear the accusation.

An accusation is one of descent. The tokenizer, the architecture, the family and any measure that strangers reach too
never bear it, whatever they say: only the descent test does, or the deciding measures on the weights.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

from analysis.descent.evidence import Decision as Descent
from analysis.verdict import Decision
from analysis.weights.words import Shared

Conclusion = Literal["near_identical_copy", "descends", "no_accusation", "measures_disagree"]
CONCLUSIONS: tuple[Conclusion, ...] = ("near_identical_copy", "descends", "no_accusation", "measures_disagree")
NEARLY_THE_SAME = 0.1
"""So far apart, in shares of what strangers are, the answers of a copy are at most: 0.001 to 0.055 with noise of 1 to
3% on the weights. The lightest trainings stay below it too (0.03, 0.095), others were at 0.15 to 1 (twelve models, by
eye)."""


@dataclass(frozen=True)
class WeightsFound:
    """What the weights say together, and the accuser's measure, `std_profile`, with its rate among strangers.

    `reached` of `pairs` independent trainings (of one shape, where the two are) come to as much. `deciding`: the values
    of the measures that anything may rest on.
    """

    shared: Shared
    same_architecture: bool
    std_profile: float | None
    reached: int | None
    pairs: int | None
    deciding: dict[str, float | None]


@dataclass(frozen=True)
class Findings:
    """What was found of a suspect, rung by rung; None for what was not asked or can't be had.

    `tokenizers`: the families whose tokenizer it has; `family` is named, or None with a `decision` that says why not;
    `p` is the probability of what came out likeliest. `apart`: how far its answers are from those of the model that it
    is said to come from, in shares of what strangers are (`analysis.equality.difference_kind.STRANGERS`).
    """

    tokenizers: tuple[str, ...]
    decision: Decision
    family: str | None
    likeliest: str | None
    p: float | None
    descent: Descent | None = None
    effect: float | None = None
    p_value: float | None = None
    apart: float | None = None
    weights: WeightsFound | None = None

    @property
    def conclusion(self) -> Conclusion:
        """What of the accusation is borne out. What was rebuilt in another architecture is no copy, however alike."""
        shared = None if self.weights is None else self.weights.shared
        if self.descent == "shared_ancestry" and shared == "apart":
            return "measures_disagree"
        if self.descent != "shared_ancestry" and shared != "shared":
            return "no_accusation"
        rebuilt = self.weights is not None and not self.weights.same_architecture
        near = self.apart is not None and self.apart <= NEARLY_THE_SAME
        return "near_identical_copy" if near and not rebuilt else "descends"

    @classmethod
    def of_entry(cls, entry: dict[str, Any]) -> Self:
        """From what `dataclasses.asdict` made of it, after JSON."""
        weights = entry["weights"]
        values = {**entry, "tokenizers": tuple(entry["tokenizers"])}
        return cls(**{**values, "weights": None if weights is None else WeightsFound(**weights)})


@dataclass(frozen=True)
class Asked:
    """What has to come out: one of `CONCLUSIONS`, and which `family` may be named, or must be (`named`)."""

    conclusion: str
    family: str | None = None
    named: bool = False

    def missed(self, found: Findings) -> Iterator[str]:
        """What did not come out as it has to, in words; nothing where all did."""
        if found.conclusion != self.conclusion:
            yield f"{found.conclusion} instead of {self.conclusion}"
        if found.family not in ({self.family} if self.named else {self.family, None}):
            yield f"the family {found.family or found.decision} instead of {self.family or 'none'}"
