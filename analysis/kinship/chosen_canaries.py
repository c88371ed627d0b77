"""The canaries that tell kin from strangers best among the models that a fold learns from."""

import numpy as np
import numpy.typing as npt

from analysis.kinship.selection import choose_canaries
from analysis.kinship.typicality import Typicality

_Places = npt.NDArray[np.intp]
_MOST_PAIRS = 5_000  # that canaries are chosen on: all kin, which are fewer, and as many strangers as tell no more


class PairSample:
    """What canaries add to pairs of models, collected while somebody else looks at all pairs (`PairMoments.of`).

    Of the pairs of different weights, all kin, and of strangers as many as are enough. `terms` [n_channels, n_pairs,
    n_canaries], `kin` [n_pairs].
    """

    def __init__(self, learned: Typicality, seed: int) -> None:
        one, other = np.triu_indices(len(learned.places), 1)
        one, other = learned.places[one], learned.places[other]
        use = learned.weights[one] != learned.weights[other]
        one, other = one[use], other[use]
        kin = learned.families[one] == learned.families[other]
        if len(one) > _MOST_PAIRS:
            chance = np.random.default_rng(seed).random(len(one)) < _MOST_PAIRS / len(one)
            one, other, kin = one[kin | chance], other[kin | chance], kin[kin | chance]
        self.kin, self._other, self._starts = kin, other, np.searchsorted(one, np.arange(len(learned.families) + 1))
        n_channels, _, n_canaries = learned.total.shape
        self.terms = np.zeros((n_channels, len(one), n_canaries), np.float32)

    def look(self, channel: int, model: int, first: int, terms: npt.NDArray[np.float32]) -> None:
        """See what canaries add to the pairs of a model with some behind it, from `first` on: [n_some, n_canaries]."""
        start, end = self._starts[model : model + 2]
        start, end = start + np.searchsorted(self._other[start:end], (first, first + len(terms)))
        others = self._other[start:end] - first
        np.take(terms, others, axis=0, out=self.terms[channel, start:end], mode="clip")

    def choose(self, size: int, eligible: _Places) -> _Places:
        """The best of the eligible canaries, best first. Uses up the terms, which may be hundreds of megabytes."""
        if not self.kin.any() or self.kin.all():
            return eligible[:size]
        together = np.zeros((len(self.kin), len(eligible)), np.float32)
        for terms in self.terms:
            known = terms if len(eligible) == terms.shape[1] else terms[:, eligible]
            known /= max(known.sum(axis=1)[~self.kin].std(), 1e-6)
            together += known
        self.terms = self.terms[:, :0]
        return eligible[choose_canaries(together, self.kin, np.ones(len(self.kin)), size)]
