"""What models score that share no weights with a parent: the null hypothesis, with the spread between trainings in it.

The lineage is the unit of chance: however many models and canaries a lineage has, it is one independent training, and
what an innocent candidate scores is another draw from among them. Whoever accuses names the likeliest parent, so what
counts of a lineage is the highest score that it reaches with anybody. The spread between lineages is taken at its upper
confidence bound, and the tail is that of Student's distribution with as many degrees of freedom as lineages allow;
where innocents reached the score themselves, the share of those that did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from scipy import stats

FEWEST_LINEAGES = 5
"""Below this many independent trainings nothing is said of how they spread."""
FEWEST_TAUGHT = 2
"""Of students and framed models so many widen the null; their spread is as wide as so few leave it."""
FEWEST_CONTROLS = 3
"""Independent trainings with the parent's vocabulary, without which the scale of its scores is not known from them."""
FEWEST_VOCABULARIES = 3
"""Vocabularies with two independent trainings each, that may stand in for the parent's."""
_CONFIDENCE = 0.95
Basis = Literal["rank", "model"]


@dataclass(frozen=True)
class Spread:
    """`highest` [n_lineages]: the highest score of every independent lineage of one kind of innocent.

    `narrowest`: a kind whose spread is the least that is assumed for this one, which may be of few recipes: students
    of one recipe come out more alike than those of the next will. `least`: the least standard deviation that is
    assumed, on the scale of the scores.
    """

    highest: tuple[float, ...]
    narrowest: "Spread | None" = None
    least: float = 0.0

    @classmethod
    def of(cls, scores: Mapping[str, Sequence[float]], narrowest: "Spread | None" = None) -> Self:
        """From the scores of each lineage."""
        return cls(tuple(max(one) for one in scores.values() if len(one)), narrowest)

    @property
    def lineages(self) -> int:
        return len(self.highest)

    @property
    def most(self) -> float:
        return max(self.highest, default=float("nan"))

    def reached_by(self, score: float) -> int:
        """How many lineages score as high or higher."""
        return sum(other >= score for other in self.highest)

    def p_value(self, score: float) -> float:
        """The chance that another innocent of this kind scores as high or higher with anybody."""
        if self.lineages < 2:
            return 1.0
        tails = [self._tail(score, kind) for kind in (self, self.narrowest) if kind is not None]
        return max(*tails, rank_p_value(score, self.highest) if self.reached_by(score) else 0)

    def _tail(self, score: float, like: "Spread") -> float:
        """The chance of a score as high or higher, if these spread as that kind does."""
        n = like.lineages
        std = max(np.std(like.highest, ddof=1), like.least) * np.sqrt((n - 1) / stats.chi2.ppf(1 - _CONFIDENCE, n - 1))
        if not std > 0:
            return 1.0
        beyond = (score - np.mean(self.highest)) / (std * np.sqrt(1 + 1 / self.lineages))
        return float(stats.t.sf(beyond, n - 1))

    def bound(self, score: float) -> float:
        """The upper 95% bound of the share of innocents that reach a score (Clopper and Pearson 1934).

        About 3 / n if none of n lineages did.
        """
        n, k = self.lineages, self.reached_by(score)
        return 1.0 if k == n else float(stats.beta.ppf(_CONFIDENCE, k + 1, n - k))


def null_of(
    scores: npt.NDArray[np.float64],
    lineages: npt.NDArray[np.str_],
    theirs: npt.NDArray[np.str_],
    teachers: Sequence[str | None],
) -> dict[str, Spread]:
    """Innocents of each kind of which there are enough, from scores [n_models, n_references] that may be looked at.

    `lineages` [n_models], `theirs` [n_references], `teachers` [n_models] the lineages that taught them. `taught` are
    scores with a teacher's lineage, `strangers` all others but a model's with its own; NaN counts for nothing.
    """
    kinds: dict[str, dict[str, list[float]]] = {"strangers": {}, "taught": {}}
    for row, own in enumerate(lineages.tolist()):
        known = ~np.isnan(scores[row]) & (theirs != own)
        with_teacher = known & (theirs == teachers[row])
        for kind, places in (("taught", with_teacher), ("strangers", known & ~with_teacher)):
            if places.any():
                kinds[kind].setdefault(own, []).extend(scores[row, places].tolist())
    strangers = Spread.of(kinds["strangers"]) if len(kinds["strangers"]) >= FEWEST_LINEAGES else None
    taught = Spread.of(kinds["taught"], strangers) if len(kinds["taught"]) >= FEWEST_TAUGHT else None
    return {kind: spread for kind, spread in (("strangers", strangers), ("taught", taught)) if spread is not None}


def p_value(score: float, null: Mapping[str, Spread]) -> tuple[float, Basis]:
    """The largest of the kinds' p-values, and whether innocents that reached the score decide it, or the model."""
    worst = max(null.values(), key=lambda spread: spread.p_value(score))
    found = worst.p_value(score)
    return found, "rank" if worst.reached_by(score) and found == rank_p_value(score, worst.highest) else "model"


def rank_p_value(score: float, controls: Sequence[float]) -> float:
    """The share of controls and candidate that score as high or higher; never below 1 / (number of controls + 1)."""
    return (1 + sum(other >= score for other in controls)) / (len(controls) + 1)


def e_value(p_value: float) -> float:
    """The evidence that a p-value amounts to: its average over all calibrators k p^(k - 1), which is an e-value.

    Vovk and Wang (2021), "E-values: calibration, combination and applications", section 2 (equation 2).
    """
    if p_value >= 1:
        return 0.5
    p = max(p_value, 1e-300)
    return float((1 - p + p * np.log(p)) / (p * np.log(p) ** 2))


def holm(p_values: Sequence[float]) -> npt.NDArray[np.float64]:
    """P-values adjusted for their number, in the order given (Holm 1979)."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
