"""How much each canary counts: what it adds to the difference of kin and strangers, over its spread.

The weights of a linear discriminant that takes canaries for independent (Fisher 1936; Dudoit et al. 2002), with the
differences drawn towards their mean as far as so few lineages can't tell them apart (James and Stein 1961).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.kinship.surprise import Surprise
from analysis.kinship.typicality import Typicality, blocks

Values = npt.NDArray[np.float32]
Look = Callable[[int, int, int, Values], None]


@dataclass(frozen=True)
class PairMoments:
    """Means and mean squares of what canaries add to pairs, for every two families.

    `mean`, `square` [n_channels, n_family_pairs, n_canaries]; `one`, `other` [n_family_pairs] the two families, the
    same where pairs are kin.
    """

    mean: Values
    square: Values
    one: npt.NDArray[np.intp]
    other: npt.NDArray[np.intp]

    @classmethod
    def of(cls, learned: Typicality, look: Look = lambda channel, model, first, terms: None) -> Self:
        """From all pairs of models of different weights that were learned from.

        Pairs take the time here, so that `look` may see them too: a channel, a model, the first of some models behind
        it, and what each canary adds to the score of its pairs with these, [n_some, n_canaries].
        """
        surprise, families = Surprise.of(learned), learned.families[learned.places]
        of_family = {family: learned.places[families == family] for family in np.unique(families).tolist()}
        use = _used(learned)
        keys = [
            (one, other)
            for one, members in of_family.items()
            for other, others in of_family.items()
            if one <= other and (use[np.ix_(members, others)].any() or use[np.ix_(others, members)].any())
        ]
        place = {key: number for number, key in enumerate(keys)}
        totals = np.zeros((3, len(surprise.half), len(keys), surprise.half.shape[2]), np.float32)
        for (family, members), channel in product(of_family.items(), range(len(surprise.half))):
            sums = _sums(surprise, channel, members, use, look)
            for other, others in of_family.items():
                key = min(family, other), max(family, other)  # either way round, where families stand among each other
                if key in place and others[-1] > members[0]:
                    totals[:, channel, place[key]] += sums[:, others].sum(axis=1)
        totals[:2] /= np.maximum(totals[2], 1)
        one, other_one = np.array(keys, dtype=np.intp).T
        return cls(totals[0], totals[1], one, other_one)

    @cached_property
    def _strangers(self) -> npt.NDArray[np.float64]:
        """Summed means and mean squares over pairs of families: by each family that is among them, then of all:
        [2, n_channels, n_families + 1, n_canaries]."""
        count = int(max(self.one.max(), self.other.max())) + 1
        sums = np.zeros((2, self.mean.shape[0], count + 1, self.mean.shape[2]))
        for place in np.flatnonzero(self.one != self.other).tolist():
            for side, values in enumerate((self.mean, self.square)):
                for row in (self.one[place], self.other[place], -1):
                    sums[side, :, row] += values[:, place]
        return sums

    def weights(self, without: int | None = None) -> Values:
        """Weights with mean 1 [n_channels, n_canaries], learned without a family; all 1 where there is no kin left."""
        left = (
            np.ones(len(self.one), dtype=bool) if without is None else (self.one != without) & (self.other != without)
        )
        kin, strangers = left & (self.one == self.other), left & (self.one != self.other)
        if not kin.any() or not strangers.any():
            return np.ones((self.mean.shape[0], self.mean.shape[2]), np.float32)
        others = self._strangers[:, :, -1]
        if without is not None and without < self._strangers.shape[2] - 1:
            others = others - self._strangers[:, :, without]
        usual = (others / strangers.sum()).astype(np.float32)
        means, squares = (
            [values[:, kin].mean(axis=1), other] for values, other in zip((self.mean, self.square), usual, strict=True)
        )
        spread = [np.maximum(square - mean**2, 0) for mean, square in zip(means, squares, strict=True)]
        difference = _shrunk(
            means[0] - means[1], self.mean[:, kin].var(axis=1, ddof=1) / kin.sum() if kin.sum() > 1 else spread[0]
        )
        variance = spread[0] + spread[1]
        variance += variance.mean(axis=1, keepdims=True)
        weights = np.maximum(difference, 0) / np.maximum(variance, 1e-12)
        mean = weights.mean(axis=1, keepdims=True)
        return np.where(mean > 0, weights / np.where(mean > 0, mean, 1), 1).astype(np.float32)


def _used(learned: Typicality) -> npt.NDArray[np.bool_]:
    """The pairs of a model and one behind it, of other weights, that were learned from: [n, n]."""
    there = np.isin(np.arange(len(learned.weights)), learned.places)
    return np.triu(there[:, None] & there & (learned.weights[:, None] != learned.weights))


def _sums(
    surprise: Surprise, channel: int, members: npt.NDArray[np.intp], use: npt.NDArray[np.bool_], look: Look
) -> Values:
    """Over some models' pairs with each model behind them: what canaries add, its square and how many pairs are known,
    summed [3, n, n_canaries]."""
    pairs, (n, n_canaries) = surprise.learned.pairs, surprise.half.shape[1:]
    sums = np.zeros((3, n, n_canaries), np.float32)
    for rows in blocks(n, int(members[0])):
        for model in members[members < rows.stop].tolist():
            behind = slice(max(rows.start, model), rows.stop)
            terms = surprise.terms(channel, model, behind)
            look(channel, model, behind.start, terms)
            terms[~use[model, behind]] = 0
            sums[0, behind] += terms
            terms *= terms
            sums[1, behind] += terms
    np.multiply(use[members].sum(axis=0, dtype=np.float32)[:, None], pairs.live[channel], out=sums[2])
    for model in members.tolist():
        gaps = pairs.gaps[channel, model]
        sums[2].ravel()[gaps[use[model, gaps // n_canaries]]] -= 1
    return sums


def _shrunk(difference: npt.NDArray[np.float32], error: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Differences [n_channels, n_canaries] drawn towards their mean, given the variance of their errors."""
    centre = difference.mean(axis=1, keepdims=True)
    noise, total = error.mean(axis=1, keepdims=True), difference.var(axis=1, keepdims=True)
    trusted = np.clip(1 - noise / np.maximum(total, 1e-12), 0, 1)
    shrunk: npt.NDArray[np.float32] = centre + trusted * (difference - centre)
    return shrunk
