"""What models score that share no weights with a parent: the null hypothesis, with the spread between trainings in it.

The lineage is the unit of chance: however many models and canaries a lineage has, it is one independent training, and
what an innocent candidate scores is another draw from among them. So the spread is estimated between lineages, taken at
its upper confidence bound, and the tail is that of Student's distribution with as many degrees of freedom as lineages
allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import stats

FEWEST_LINEAGES = 5
"""Below this many independent trainings nothing is said of how they spread."""
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """Scores of innocents of one kind: their mean, the upper confidence bound of their standard deviation, the highest
    seen, and the number of independent lineages that these rest on."""

    mean: float
    std: float
    most: float
    lineages: int

    @classmethod
    def of(cls, scores: Mapping[str, Sequence[float]]) -> Self:
        """From scores by lineage, each of which weighs the same."""
        values = [np.asarray(one, dtype=np.float64) for one in scores.values() if len(one)]
        n = len(values)
        mean = float(np.mean([one.mean() for one in values])) if n else np.nan
        most = float(max((one.max() for one in values), default=np.nan))
        if n < 2:
            return cls(mean, np.inf, most, n)
        variance = float(np.mean([((one - mean) ** 2).mean() for one in values])) * n / (n - 1)
        widest = variance * (n - 1) / stats.chi2.ppf(1 - _CONFIDENCE, n - 1)
        return cls(mean, float(np.sqrt(widest)), most, n)

    def p_value(self, score: float) -> float:
        """The chance that another innocent of this kind scores as high or higher."""
        if self.lineages < 2 or not self.std > 0:
            return 1.0
        beyond = (score - self.mean) / (self.std * np.sqrt(1 + 1 / self.lineages))
        return float(stats.t.sf(beyond, self.lineages - 1))


def null_of(
    scores: npt.NDArray[np.float64],
    lineages: npt.NDArray[np.str_],
    theirs: npt.NDArray[np.str_],
    teachers: Sequence[str | None],
) -> dict[str, Spread]:
    """The spread of innocents of each kind, from scores [n_models, n_references] of models that may be looked at.

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
    return {kind: Spread.of(values) for kind, values in kinds.items() if values}


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


def accused_at_most(lineages: int, level: float = _CONFIDENCE) -> float:
    """The upper bound of the share of innocents accused, none having been among so many: about 3 / n at 95%.

    Clopper and Pearson (1934). 1 where there were none to accuse.
    """
    return 1.0 if lineages == 0 else float(1 - (1 - level) ** (1 / lineages))
