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

from analysis.kinship.similarity import Tensor

_Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Typicality:
    """Learned from the models at `places`, and kept so that leaving models out is cheap.

    `similar` and `known` hold, for every family, the summed similarities [n_channels, n, n_canaries] to its models of
    other weights, and how many these were; `total` and `heard` the sum of the families' means and how many families
    there were.
    """

    tensor: Tensor
    families: _Places
    weights: _Places
    places: _Places
    similar: dict[int, npt.NDArray[np.float32]]
    known: dict[int, npt.NDArray[np.float32]]
    total: npt.NDArray[np.float32]
    heard: npt.NDArray[np.float32]

    @classmethod
    def of(cls, tensor: Tensor, families: _Places, weights: _Places) -> Self:
        """Learn from all models. `families`, `weights` [n]: which family, which class of the same weights."""
        none = np.zeros_like(tensor[:, 0])
        blank = cls(tensor, families, weights, np.arange(len(families)), {}, {}, none, none)
        sums = {family: blank._sums(np.flatnonzero(families == family)) for family in np.unique(families).tolist()}
        similar, known = ({family: pair[side] for family, pair in sums.items()} for side in (0, 1))
        means = [_mean(*pair) for pair in sums.values()]
        total, heard = (np.sum([mean[side] for mean in means], axis=0) for side in (0, 1))
        return replace(blank, similar=similar, known=known, total=total, heard=heard)

    def without(self, left_out: Sequence[int] | _Places) -> Self:
        """The same, learned without some models."""
        out = np.intersect1d(left_out, self.places)
        similar, known = dict(self.similar), dict(self.known)
        total, heard = self.total.copy(), self.heard.copy()
        for family in np.unique(self.families[out]).tolist():
            before = _mean(similar[family], known[family])
            gone, lost = self._sums(out[self.families[out] == family])
            similar[family], known[family] = similar[family] - gone, known[family] - lost
            after = _mean(similar[family], known[family])
            total += after[0] - before[0]
            heard += after[1] - before[1]
        places = np.setdiff1d(self.places, out)
        return replace(self, places=places, similar=similar, known=known, total=total, heard=heard)

    def __call__(self, places: _Places) -> npt.NDArray[np.float32]:
        """Typicality of models' answers, 0 to 1: [n_channels, n_places, n_canaries]."""
        typical: npt.NDArray[np.float32] = self.total[:, places] / np.maximum(self.heard[:, places], 1)
        return np.clip(typical, 0, 1)

    def _sums(self, members: _Places) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Summed similarity of every model to these members, those of its own weights apart, and their number."""
        similar = np.zeros_like(self.tensor[:, 0])
        known = np.zeros_like(similar)
        for member in members.tolist():
            values = self.tensor[:, member]
            counts = ~np.isnan(values) & (self.weights != self.weights[member])[None, :, None]
            similar += np.where(counts, values, 0)
            known += counts
        return similar, known


def _mean(
    similar: npt.NDArray[np.float32], known: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """A family's mean similarity, 0 where nobody of it is known; and 1 or 0, whether somebody is."""
    there = (known > 0.5).astype(np.float32)
    return there * similar / np.maximum(known, 1), there
