"""How much each canary counts: what it adds to the difference of kin and strangers, over its spread.

The weights of a linear discriminant that takes canaries for independent (Fisher 1936; Dudoit et al. 2002), with the
differences drawn towards their mean as far as so few lineages can't tell them apart (James and Stein 1961).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.kinship.surprise import surprise_terms
from analysis.kinship.typicality import Typicality


@dataclass(frozen=True)
class PairMoments:
    """Means and mean squares of what canaries add to pairs, for every pair of families.

    `mean`, `square` [n_channels, n_family_pairs, n_canaries]; `one`, `other` [n_family_pairs] the two families.
    """

    mean: npt.NDArray[np.float32]
    square: npt.NDArray[np.float32]
    one: npt.NDArray[np.intp]
    other: npt.NDArray[np.intp]

    @classmethod
    def of(cls, learned: Typicality) -> Self:
        """From all pairs of models of different weights that were learned from."""
        rows: dict[tuple[int, int], list[npt.NDArray[np.float32]]] = {}
        for place in learned.places:
            others = learned.places[learned.weights[learned.places] != learned.weights[place]]
            terms = surprise_terms(learned, np.array([place]), others)[:, 0]
            known = ~np.isnan(terms)
            terms = np.where(known, terms, 0)
            for family in np.unique(learned.families[others]).tolist():
                of_family = learned.families[others] == family
                sums = np.stack(
                    [part[:, of_family].sum(axis=1) for part in (terms, terms**2, known.astype(np.float32))]
                )
                rows.setdefault((int(learned.families[place]), family), []).append(sums)
        totals = np.stack(
            [np.sum(sums, axis=0) for sums in rows.values()], axis=2
        )  # [3, n_channels, n_pairs, n_canaries]
        number = np.maximum(totals[2], 1)
        one, other = np.array(list(rows), dtype=np.intp).T
        return cls(totals[0] / number, totals[1] / number, one, other)

    def weights(self, without: int | None = None) -> npt.NDArray[np.float32]:
        """Weights with mean 1 [n_channels, n_canaries], learned without a family; all 1 where there is no kin left."""
        left = (
            np.ones(len(self.one), dtype=bool) if without is None else (self.one != without) & (self.other != without)
        )
        kin, strangers = left & (self.one == self.other), left & (self.one != self.other)
        if not kin.any() or not strangers.any():
            return np.ones((self.mean.shape[0], self.mean.shape[2]), np.float32)
        means = [self.mean[:, which].mean(axis=1) for which in (kin, strangers)]
        squares = [self.square[:, which].mean(axis=1) for which in (kin, strangers)]
        spread = [np.maximum(square - mean**2, 0) for mean, square in zip(means, squares, strict=True)]
        difference = _shrunk(
            means[0] - means[1], self.mean[:, kin].var(axis=1, ddof=1) / kin.sum() if kin.sum() > 1 else spread[0]
        )
        variance = spread[0] + spread[1]
        variance += variance.mean(axis=1, keepdims=True)
        weights = np.maximum(difference, 0) / np.maximum(variance, 1e-12)
        mean = weights.mean(axis=1, keepdims=True)
        return np.where(mean > 0, weights / np.where(mean > 0, mean, 1), 1).astype(np.float32)


def _shrunk(difference: npt.NDArray[np.float32], error: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Differences [n_channels, n_canaries] drawn towards their mean, given the variance of their errors."""
    centre = difference.mean(axis=1, keepdims=True)
    noise, total = error.mean(axis=1, keepdims=True), difference.var(axis=1, keepdims=True)
    trusted = np.clip(1 - noise / np.maximum(total, 1e-12), 0, 1)
    shrunk: npt.NDArray[np.float32] = centre + trusted * (difference - centre)
    return shrunk
