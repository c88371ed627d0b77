"""One model's likeliest tokens, explained by what several references say of them, all at once.

Linear regression with standardised coefficients and a ridge (Hastie, Tibshirani, Friedman 2009, The Elements of
Statistical Learning, sections 3.2 and 3.4.1), of winsorised values (Tukey 1962, The Future of Data Analysis), so that
few tokens far out don't decide. What training data teaches, every reference with the same data explains a little of;
what follows the weights, the parent alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.descent.likeliest import Likeliest
from analysis.descent.rivals import Places

Matrix = npt.NDArray[np.float64]
TOP = 20
FEWEST_RIVALS = 2
_FEWEST_TOKENS = 5
_RIDGE = 2.0
"""Of coefficients nothing is known beforehand but that they are small: as if so many prompts had said zero."""
_TAUGHT = 2.0
"""Tuning moves tokens up or down wherever they come up. That mean is taken out, of a token seen n times n / (n + this)
of it."""
_FARTHEST = 2.0
"""Standard deviations: what lies farther out counts as if it lay there."""


@dataclass(frozen=True)
class Told:
    """What is said of one model's likeliest tokens: `values` [n_canaries, k, 1 + n_sides], logprobs of the model itself
    and of others, NaN for what is not known; `tokens` [n_canaries, k], numbers of the tokens."""

    values: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.intp]

    @classmethod
    def by(cls, own: Likeliest, sides: Sequence[Likeliest | None], top: int = TOP) -> Self:
        """Of the likeliest `top` tokens, 20 at most; a side that is None says nothing."""
        names = own.tokens[:, : min(top, TOP)]
        mine = np.where(names > 0, own.logprobs[:, : min(top, TOP)], np.nan)
        nothing = np.full(names.shape, np.nan)
        values = np.stack([mine, *(nothing if one is None else one.of(names) for one in sides)], axis=-1)
        return cls(values.astype(np.float32), np.unique(names, return_inverse=True)[1].reshape(names.shape))

    def alike(self, canaries: Places) -> "Alike | None":
        """How everybody's go together on some canaries; None where too few tokens are known."""
        values, rows = self._complete(canaries)
        if len(values) < _FEWEST_TOKENS:
            return None
        sides = standardised(values, *rows)
        return Alike(sides.T @ sides / len(sides), _RIDGE / len(np.unique(rows[0])))

    def unexplained_by(self, rivals: Places) -> Matrix:
        """Canary by canary [n_canaries], the squares of what some sides leave of the model's own; 0 where that is not
        known. A canary where they leave more tells the model's weights from theirs the better."""
        canaries = np.arange(len(self.values))
        alike, (values, rows) = self.alike(canaries), self._complete(canaries)
        weights = None if alike is None or not len(rivals) else alike.explained_by(int(rivals[0]), rivals[1:])
        if weights is None:
            return np.zeros(len(canaries))
        sides = standardised(values, *rows)
        left = sides[:, 0] - sides[:, 1 + rivals] @ weights[0]
        return np.bincount(rows[0], left**2, minlength=len(canaries)).astype(np.float64)

    def _complete(self, canaries: Places) -> tuple[Matrix, npt.NDArray[np.intp]]:
        """Tokens that the model gave, and somebody knows: values [n_tokens, 1 + n_sides], and [2, n_tokens] the canary
        and the token's number. What a side was not asked is taken to be the mean of the others."""
        values = self.values[canaries].reshape(-1, self.values.shape[-1]).astype(np.float64)
        rows = np.stack([np.repeat(np.arange(len(canaries)), self.tokens.shape[1]), self.tokens[canaries].ravel()])
        known = np.isfinite(values)
        usable = known[:, 0] & known[:, 1:].any(axis=1)
        values, known = values[usable], known[usable]
        mean = np.where(known, values, 0)[:, 1:].sum(axis=1) / known[:, 1:].sum(axis=1)
        return np.where(known, values, mean[:, None]), rows[:, usable]


@dataclass(frozen=True)
class Alike:
    """Correlations of a model and the sides that explain it, `matrix` [1 + n_sides, 1 + n_sides], and the `ridge`."""

    matrix: Matrix
    ridge: float

    def explained_by(self, side: int, rivals: Places) -> tuple[Matrix, float] | None:
        """The coefficients of a side and its rivals [1 + n_rivals], the side's first, and the multiple correlation.

        None where the model or the side says the same of all tokens.
        """
        beside = np.array([0, 1 + side, *(1 + rivals)])
        alike = self.matrix[np.ix_(beside, beside)]
        if not np.diag(alike)[:2].all():
            return None
        weights = np.linalg.solve(alike[1:, 1:] + self.ridge * np.eye(len(alike) - 1), alike[1:, 0])
        explained = float(2 * weights @ alike[1:, 0] - weights @ alike[1:, 1:] @ weights)
        return weights, float(np.sqrt(max(explained, 0)))


def standardised(values: Matrix, canaries: npt.NDArray[np.intp], tokens: npt.NDArray[np.intp]) -> Matrix:
    """Without each canary's mean, and what a token gets wherever it comes up; winsorised, in standard deviations.

    `values` [n, n_sides] with the `canaries` [n] and the `tokens` [n] that they are of; 0 where a side says the same of
    all.
    """
    for groups, doubt in ((canaries, 0.0), (tokens, _TAUGHT)):
        _, place, count = np.unique(groups, return_inverse=True, return_counts=True)
        total = np.stack([np.bincount(place, side) for side in values.T], axis=-1)
        values = values - (total / (count + doubt)[:, None])[place]
    return _scaled(np.clip(_scaled(values), -_FARTHEST, _FARTHEST))


def _scaled(values: Matrix) -> Matrix:
    """In standard deviations about 0, side by side; 0 for rounding."""
    spread = np.sqrt((values**2).mean(axis=0))
    scaled: Matrix = np.where(spread > 1e-9, values / np.maximum(spread, 1e-9), 0.0)
    return scaled
