"""Weights shared, from the likeliest tokens alone: what a reference explains of a candidate that its rivals don't.

On the candidate's own top tokens its logprobs are regressed on those of the reference and of its rivals together
(analysis.descent.regression). A student reproduces its teacher and what all of them share, a descendant its parent more
than that. Rivals are references with the same tokenizer: those with another are far from both sides alike, and two
strangers who share a tokenizer would look like kin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.descent.likeliest import Likeliest
from analysis.descent.regression import FEWEST_RIVALS, TOP, Told
from analysis.descent.rivals import Models, Places

Matrix = npt.NDArray[np.float64]
_RIVALS_COUNT = 0.25
"""So much of what rivals explain together is taken off: they explain more of a student than its teacher does."""


@dataclass
class ResidualScores:
    """Scores of pairs of models; `known` [n_models], None for who showed no likeliest tokens.

    `same` [n_models, n_references] are the pairs that are compared: those of two models with one tokenizer. Everybody's
    likeliest `top` tokens are looked at, 20 at most.
    """

    models: Models
    known: Sequence[Likeliest | None]
    same: npt.NDArray[np.bool_]
    top: int = TOP
    _told: list[Told | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._told = [self._told_of(row) for row in range(len(self.known))]

    def __call__(self, canaries: Places) -> Matrix:
        """How much more of a candidate a reference explains than its rivals do (`beyond_rivals`), on some canaries.

        [n_models, n_references], NaN where there are fewer than two rivals, or too few tokens to compare.
        """
        found = np.full(self.same.shape, np.nan)
        for row, told in enumerate(self._told):
            alike = None if told is None else told.alike(canaries)
            if alike is None:
                continue
            columns = np.flatnonzero(self.same[row])
            lineages = self.models.lineages[self.models.references[columns]]
            for side, lineage in enumerate(lineages):
                rivals = np.flatnonzero((lineages != lineage) & (lineages != self.models.lineages[row]))
                explained = alike.explained_by(side, rivals) if len(rivals) >= FEWEST_RIVALS else None
                if explained is not None:
                    found[row, columns[side]] = beyond_rivals(*explained)
        return found

    def _told_of(self, row: int) -> Told | None:
        own, columns = self.known[row], np.flatnonzero(self.same[row])
        sides = [self.known[int(self.models.references[column])] for column in columns]
        return None if own is None or not any(sides) else Told.by(own, sides, self.top)


def beyond_rivals(weights: Matrix, correlation: float) -> float:
    """Of the coefficients of a reference and its rivals [1 + n_rivals], and the multiple correlation.

    The reference's, without what is usual for a rival (which it has where all are alike to the candidate) and without a
    part of their sum; times the correlation, since of a candidate that is unlike all of them coefficients are mostly
    chance. 0 where nothing is left, 1 for a copy.
    """
    left = weights[0] - np.sqrt((weights[1:] ** 2).mean()) - _RIVALS_COUNT * weights[1:].sum()
    return float(np.clip(left * correlation, 0, 1))
