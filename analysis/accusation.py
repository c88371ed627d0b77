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
NEARLY_THE_SAME = ("same", "quantization")
"""What two recordings show of one model, and of one with its weights rounded or noised (`kinprint same`)."""


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
    `p` is the probability of what came out likeliest. `likeness`: what `kinprint same` says of it and the model that it
    is said to come from, the kind of the difference where they differ.
    """

    tokenizers: tuple[str, ...]
    decision: Decision
    family: str | None
    likeliest: str | None
    p: float | None
    descent: Descent | None = None
    effect: float | None = None
    p_value: float | None = None
    likeness: str | None = None
    weights: WeightsFound | None = None

    @property
    def conclusion(self) -> Conclusion:
        """What of the accusation is borne out."""
        shared = None if self.weights is None else self.weights.shared
        if self.descent == "shared_ancestry" and shared == "apart":
            return "measures_disagree"
        if self.descent != "shared_ancestry" and shared != "shared":
            return "no_accusation"
        return "near_identical_copy" if self.likeness in NEARLY_THE_SAME else "descends"

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
