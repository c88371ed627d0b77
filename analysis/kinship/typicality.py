"""How typical an answer is of all families: what agreement on it is worth.

Two models that both give the answer that everybody gives say nothing about their lineage, two that share a rare
answer say much. So the typicality of a model's answer to a canary is its mean similarity to the models of other
weights, every family weighing the same, and agreement counts by how far it is above that, and by the surprise
(-log typicality) of what was agreed on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.kinship.known_pairs import KnownPairs, Tensor

_Places = npt.NDArray[np.intp]
_Values = npt.NDArray[np.float32]
_Part = tuple[int, slice]
_ROWS = 64
"""Models that are worked on at a time: what they take stays in the processor's cache."""


@dataclass(frozen=True)
class Typicality:
    """Learned from the models at `places`, and kept so that leaving models out is cheap.

    `mean` and `known` hold, for every family as it is with all its models, its mean similarity [n_channels, n,
    n_canaries] to those of other weights, 0 where there are none, and how many these are; `total` and `heard` the sum
    of the families' means over the models at `places` alone, and how many families there were.
    """

    pairs: KnownPairs
    families: _Places
    weights: _Places
    places: _Places
    mean: dict[int, _Values]
    known: dict[int, _Values]
    total: _Values
    heard: _Values

    @classmethod
    def of(cls, tensor: Tensor, families: _Places, weights: _Places) -> Self:
        """Learn from all models. `families`, `weights` [n]: which family, which class of the same weights.

        `tensor` [n_channels, n, n, n_canaries] is taken over: what is unknown becomes 0 in it.
        """
        pairs, total, heard = KnownPairs.of(tensor), np.zeros_like(tensor[:, 0]), np.zeros_like(tensor[:, 0])
        learned = cls(pairs, families, weights, np.arange(len(families)), {}, {}, total, heard)
        for family in np.unique(families).tolist():
            learned.mean[family], learned.known[family] = mean, known = np.empty_like(total), np.empty_like(total)
            for part in _parts(total):
                similar, known[part] = learned._sums(np.flatnonzero(families == family), part)
                mean[part] = similar / np.maximum(known[part], 1)
                total[part] += mean[part]
                heard[part] += known[part] > 0
        return learned

    def without(self, left_out: Sequence[int] | _Places) -> Self:
        """The same, learned without some models."""
        out = np.intersect1d(left_out, self.places)
        places, total, heard = np.setdiff1d(self.places, out), self.total, self.heard
        for family in np.unique(self.families[out]).tolist():
            members = np.flatnonzero(self.families == family)
            gone = [np.setdiff1d(members, kept) for kept in (self.places, places)]
            (old, were), total, heard = (total, heard), np.empty_like(total), np.empty_like(heard)
            for part in _parts(total):
                before, was_there = self._mean(family, gone[0], part)
                np.subtract(old[part], before, out=total[part])
                if len(gone[1]) == len(members):
                    np.subtract(were[part], was_there, out=heard[part])
                else:
                    after, is_there = self._mean(family, gone[1], part)
                    total[part] += after
                    np.subtract(were[part], was_there > is_there, out=heard[part])
        return replace(self, places=places, total=total, heard=heard)

    def __call__(self) -> _Values:
        """Typicality of models' answers, 0 to 1: [n_channels, n, n_canaries]."""
        typical = np.empty_like(self.total)
        for part in _parts(typical):
            np.divide(self.total[part], np.maximum(self.heard[part], 1), out=typical[part])
            np.clip(typical[part], 0, 1, out=typical[part])
        return typical

    def _mean(self, family: int, gone: _Places, part: _Part) -> tuple[_Values, npt.NDArray[np.bool_]]:
        """A family's mean similarity without some of it, 0 where nobody of it is known, and whether somebody is:
        [n_rows, n_canaries]."""
        mean, known = self.mean[family][part], self.known[family][part]
        if len(gone) == 0:
            return mean, known > 0
        similar, lost = self._sums(gone, part)
        number = known - lost
        np.subtract(mean * known, similar, out=similar)
        similar /= np.maximum(number, 1)
        return similar, number > 0

    def _sums(self, members: _Places, part: _Part) -> tuple[_Values, _Values]:
        """Summed similarity of some models to these members, those of their own weights apart, and their number:
        [n_rows, n_canaries]."""
        channel, rows = part
        similar, known = np.zeros_like(self.total[part]), np.zeros_like(self.total[part])
        for member in members.tolist():
            there = self.pairs.known(channel, member, rows)
            there[self.weights[rows] == self.weights[member]] = 0
            known += there
            there *= self.pairs.similarity[channel, member, rows]
            similar += there
        return similar, known


def blocks(n: int, first: int = 0) -> Iterator[slice]:
    """Of n models those from `first` on, some at a time."""
    for start in range(first - first % _ROWS, n, _ROWS):
        yield slice(max(start, first), min(start + _ROWS, n))


def _parts(values: _Values) -> Iterator[_Part]:
    """What of [n_channels, n, n_canaries] is worked on at a time: a channel, and some of the rows."""
    for channel in range(len(values)):
        for rows in blocks(values.shape[1]):
            yield channel, rows
