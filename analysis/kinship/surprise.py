"""Pair features from surprising agreement: what `Pairing` does, with a background of its own for every answer."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.kinship.typicality import Typicality, blocks

_Places = npt.NDArray[np.intp]
_Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Surprise:
    """What agreement is worth by what was learned: `half` [n_channels, n, n_canaries], half of each typicality.

    `floor`: as rare as an answer can be known to be, with so many families.
    """

    learned: Typicality
    half: _Values
    floor: float

    @classmethod
    def of(cls, learned: Typicality) -> Self:
        """By what was learned of all models that are there."""
        half = learned()
        half *= 0.5
        return cls(learned, half, 0.5 / max(len(learned.mean), 2))

    def terms(self, channel: int, model: int, rows: slice) -> _Values:
        """What each canary adds to the score of a model with some models: [n_rows, n_canaries].

        Similarity above the mean typicality of the two answers, in units of its surprise (nats); 0 where unknown.
        With a typicality t, the surprise is -log(floor + (1 - floor) t) = -(log(t + above) + log(1 - floor)).
        """
        pairs, half = self.learned.pairs, self.half[channel]
        above, shift = np.float32(self.floor / (1 - self.floor)), np.float32(np.log1p(-self.floor))
        typical = half[rows] + (half[model] + above)
        terms: _Values = typical - pairs.similarity[channel, model, rows]
        terms -= above
        np.log(typical, out=typical)
        typical += shift
        terms *= typical
        np.put(terms, pairs.unknown(channel, model, rows), 0)
        return terms


def surprise_features(learned: Typicality, candidates: _Places, subsets: _Values, weights: _Values) -> _Values:
    """Pair features with all models for each subset of canaries: [n_subsets, n_candidates, n, 3 n_channels], 0 for
    those that were not learned from.

    `subsets` [n_canaries, n_subsets] are 0 or 1, `weights` [n_channels, n_canaries] say how much each canary counts. A
    channel's features are the mean over the known canaries of a subset; the same measured in the spread of the
    candidate's own scores with all families (some models are more like everybody than others); and that of the
    weighted mean.
    """
    surprise, size = Surprise.of(learned), subsets.shape[1]
    means = np.empty((len(weights), len(candidates), len(learned.families), 2 * size), np.float32)
    for channel, weight in enumerate(weights):
        both = np.hstack([subsets, weight[:, None] * subsets])
        for place, model in enumerate(candidates.tolist()):
            total = np.maximum(learned.pairs.totals(channel, model, both), 1e-6)
            for rows in blocks(len(total)):
                np.divide(surprise.terms(channel, model, rows) @ both, total[rows], out=means[channel, place, rows])
    families = learned.families[learned.places]
    shares = np.zeros(len(learned.families), np.float32)
    shares[learned.places] = 1 / np.bincount(families)[families]
    shares /= shares.sum()
    plain, weighted = means[..., :size], means[..., size:]
    parts = [plain, _relative(plain, shares), _relative(weighted, shares)]
    features: _Values = np.moveaxis(np.concatenate(parts), (0, 3), (3, 0))
    features[:, :, shares == 0] = 0
    return features


def _relative(scores: _Values, shares: _Values) -> _Values:
    """Scores over references less their mean, in units of their spread, every family weighing the same."""
    usual = np.einsum("kijs,j->kis", scores, shares)[:, :, None]
    spread = np.sqrt(np.einsum("kijs,j->kis", (scores - usual) ** 2, shares))[:, :, None]
    relative: _Values = (scores - usual) / np.maximum(spread, 1e-6)
    return relative
