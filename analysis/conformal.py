"""Conformal sets of labels: the truth is in them with the chosen probability, for a lineage like those calibrated on.

Nothing is asked of the posterior but that calibration lineages and the candidate's be exchangeable. The lineage is the
unit, however many models it has: Lee, Barber and Willett (2023), "Distribution-free inference with hierarchical data",
section 3; the score is one less the posterior of a label (Sadinle, Lei and Wasserman 2019, "Least ambiguous set-valued
classifiers with bounded error levels", section 2).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from probes.errors import LibraryError


def fewest_lineages(level: float) -> int:
    """How many calibration lineages a set at this level needs: 9 for 90%."""
    return math.ceil(round(1 / (1 - level), 9)) - 1


@dataclass(frozen=True)
class ConformalSets:
    """Sets of every label whose posterior is at least `least`, calibrated at `level` on so many `lineages`."""

    level: float
    least: float
    lineages: int

    @classmethod
    def calibrated(cls, posteriors: Mapping[str, Sequence[float]], level: float = 0.9) -> Self:
        """From the posteriors that the truth got, by lineage; each lineage weighs the same.

        Raises LibraryError below the number of lineages that the level needs.
        """
        known = [np.asarray(values, dtype=np.float64) for values in posteriors.values() if len(values)]
        if len(known) < fewest_lineages(level):
            raise LibraryError(
                f"a set that holds the truth with {level:.0%} needs {fewest_lineages(level)} calibration lineages; "
                f"there are {len(known)}"
            )
        scores = np.concatenate([1 - values for values in known])
        weights = np.concatenate([np.full(len(values), 1 / len(values)) for values in known]) / (len(known) + 1)
        order = np.argsort(scores, kind="stable")
        reached = np.cumsum(weights[order]) >= level - 1e-12
        worst = float(scores[order][reached.argmax()]) if reached.any() else 1.0
        return cls(level, 1 - worst, len(known))

    def __call__(self, posterior: Mapping[str, float]) -> tuple[str, ...]:
        """The labels in the set, the likeliest first."""
        ordered = sorted(posterior, key=lambda label: -posterior[label])
        return tuple(label for label in ordered if posterior[label] >= self.least - 1e-12)

    def in_words(self, members: Sequence[str], labels: int) -> str:
        """What a set says; empty and full ones are explained."""
        sure = f"with {self.level:.0%} (calibrated on {self.lineages} lineages)"
        if not members:
            return f"no family, nor `unknown`, is as likely as the truth is {sure}: the candidate is unlike all of them"
        if len(members) == labels:
            return f"no family can be excluded {sure}: the answers tell too little"
        return f"{' or '.join(members)} {sure}"
