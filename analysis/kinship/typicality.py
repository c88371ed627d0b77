"""How typical an answer is of all families: what agreement on it is worth.

Two models that both give the answer that everybody gives say nothing about their lineage, two that share a rare
answer say much. So the typicality of a model's answer to a canary is its mean similarity to the models of other
weights, every family weighing the same, and agreement counts by how far it is above that, and by the surprise
(-log typicality) of what was agreed on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.kinship.known_pairs import KnownPairs, Tensor

_Places = npt.NDArray[np.intp]
_Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Typicality:
    """Learned from the models at `places`, and kept so that leaving models out is cheap.

    `similar` and `known` hold, for every family, the summed similarities [n_channels, n, n_canaries] to its models of
    other weights, and how many these were; `total` and `heard` the sum of the families' means and how many families
    there were.
    """

    pairs: KnownPairs
    families: _Places
    weights: _Places
    places: _Places
    similar: dict[int, _Values]
    known: dict[int, _Values]
    total: _Values
    heard: _Values

    @classmethod
    def of(cls, tensor: Tensor, families: _Places, weights: _Places) -> Self:
        """Learn from all models. `families`, `weights` [n]: which family, which class of the same weights.

        `tensor` [n_channels, n, n, n_canaries] is taken over: what is unknown becomes 0 in it.
        """
        pairs = KnownPairs.of(tensor)
        none = np.zeros_like(tensor[:, 0])
        blank = cls(pairs, families, weights, np.arange(len(families)), {}, {}, none, none)
        total, heard = np.zeros_like(none), np.zeros_like(none)
        similar, known = {}, {}
        for family in np.unique(families).tolist():
            similar[family], known[family] = sums = blank._sums(np.flatnonzero(families == family))
            for whole, mean in zip((total, heard), _mean(*sums), strict=True):
                whole += mean
        return replace(blank, similar=similar, known=known, total=total, heard=heard)

    def without(self, left_out: Sequence[int] | _Places) -> Self:
        """The same, learned without some models."""
        out = np.intersect1d(left_out, self.places)
        places = np.setdiff1d(self.places, out)
        similar, known = dict(self.similar), dict(self.known)
        total, heard = self.total.copy(), self.heard.copy()
        for family in np.unique(self.families[out]).tolist():
            for whole, mean in zip((total, heard), _mean(similar[family], known[family]), strict=True):
                whole -= mean
            if not (self.families[places] == family).any():
                similar[family] = known[family] = np.zeros_like(total[:, :1])
                continue
            gone, lost = self._sums(out[self.families[out] == family])
            similar[family], known[family] = similar[family] - gone, known[family] - lost
            for whole, mean in zip((total, heard), _mean(similar[family], known[family]), strict=True):
                whole += mean
        return replace(self, places=places, similar=similar, known=known, total=total, heard=heard)

    def __call__(self, places: _Places | slice = slice(None)) -> _Values:
        """Typicality of models' answers, 0 to 1: [n_channels, n_places, n_canaries]."""
        typical: _Values = self.total[:, places] / np.maximum(self.heard[:, places], 1)
        return np.clip(typical, 0, 1, out=typical)

    def _sums(self, members: _Places) -> tuple[_Values, _Values]:
        """Summed similarity of every model to these members, those of its own weights apart, and their number."""
        similar, known = np.zeros_like(self.pairs.similarity[:, 0]), np.zeros_like(self.pairs.similarity[:, 0])
        for member in members.tolist():
            values, there = self.pairs.similarity[:, member], self.pairs.known(member)
            twins = self.weights == self.weights[member]
            similar += values
            known += there
            similar[:, twins] -= values[:, twins]
            known[:, twins] -= there[:, twins]
        return similar, known


def _mean(similar: _Values, known: _Values) -> tuple[_Values, _Values]:
    """A family's mean similarity, 0 where nobody of it is known; and 1 or 0, whether somebody is."""
    there = (known > 0.5).astype(np.float32)
    mean = similar / np.maximum(known, 1)
    mean *= there
    return mean, there
