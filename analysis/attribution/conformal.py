"""Conformal sets of labels: the truth is in them with the chosen probability, for a lineage like those calibrated on.

Nothing is asked of the posterior but that calibration lineages and the candidate's be exchangeable. The lineage is the
unit, however many models it has: Lee, Barber and Willett (2023), "Distribution-free inference with hierarchical data",
section 3. A label's score is the posterior mass of all labels at least as likely (Romano, Sesia and Candes 2020,
"Classification with valid and adaptive coverage", section 2, without the random part): who is unsure gets a larger set.
The likeliest label is always in it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from probes.errors import LibraryError

LEVEL = 0.9
"""Of sets, where nothing else is asked for."""


def fewest_lineages(level: float) -> int:
    """How many calibration lineages a set at this level needs: 9 for 90%."""
    return math.ceil(round(1 / (1 - level), 9)) - 1


def mass_down_to(posterior: npt.ArrayLike, label: int) -> float:
    """The posterior [n_labels] of all labels that are at least as likely as this one: its score."""
    values = np.asarray(posterior, dtype=np.float64)
    return float(values[values >= values[label]].sum())


@dataclass(frozen=True)
class ConformalSets:
    """Sets of the likeliest labels, as long as their posteriors sum to `most`; calibrated at `level` on so many
    `lineages`."""

    level: float
    most: float
    lineages: int

    @classmethod
    def calibrated(cls, scores: Mapping[str, Sequence[float]], level: float = LEVEL) -> Self:
        """From the scores (`mass_down_to`) of the truth, by lineage; each lineage weighs the same.

        Raises LibraryError below the number of lineages that the level needs.
        """
        known = [np.asarray(values, dtype=np.float64) for values in scores.values() if len(values)]
        if len(known) < fewest_lineages(level):
            raise LibraryError(
                f"a set that holds the truth with {level:.0%} needs {fewest_lineages(level)} calibration lineages; "
                f"there are {len(known)}"
            )
        values = np.concatenate(known)
        weights = np.concatenate([np.full(len(one), 1 / len(one)) for one in known]) / (len(known) + 1)
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[order]) >= level - 1e-12
        return cls(level, float(values[order][reached.argmax()]) if reached.any() else 1.0, len(known))

    def __call__(self, posterior: Mapping[str, float]) -> tuple[str, ...]:
        """The labels in the set, the likeliest first."""
        ordered = sorted(posterior, key=lambda label: -posterior[label])
        values = [posterior[label] for label in ordered]
        kept = [mass_down_to(values, place) <= self.most + 1e-9 for place in range(len(values))]
        return tuple(label for place, label in enumerate(ordered) if place == 0 or kept[place])

    def in_words(self, members: Sequence[str], labels: int) -> str:
        """What a set says; a full one is explained."""
        sure = f"at {self.level:.0%}, calibrated on {self.lineages} lineages"
        if len(members) == labels:
            return f"nothing can be excluded ({sure}): the answers tell too little"
        return f"{' or '.join(members)} ({sure})"
