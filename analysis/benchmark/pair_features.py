"""Features of many pairs on many subsets of canaries: as `analysis.kinship.pairing` has them, by matrix products."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.benchmark.compared import Compared
from analysis.kinship.pairing import HIGHEST_BACKGROUND
from analysis.kinship.similarities import Tensor

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Matrix = npt.NDArray[np.float64]


@dataclass
class PairFeatures:
    """Of what was `compared`; `subsets` [n_canaries, n_subsets] of 0 and 1; `rows` and `columns` the families, by
    number, of candidates and references."""

    compared: Compared
    subsets: npt.NDArray[np.float32]
    rows: Places
    columns: Places
    _known: Tensor = field(init=False, repr=False)
    _filled: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._known = (~np.isnan(self.tensor)).astype(np.float32)
        self._filled = np.nan_to_num(self.tensor)
        self._sums, self._counts = self._filled @ self.subsets, self._known @ self.subsets
        alike = self.compared.cut_alike(self.subsets)
        if alike is not None:
            self._sums[self.compared.tokenizer] = alike

    @property
    def tensor(self) -> Tensor:
        """Similarities [n_channels, n_candidates, n_references, n_canaries]."""
        return self.compared.tensor

    def background(self, training: Mask) -> Matrix:
        """The mean similarity of strangers [n_channels, n_canaries], every pair of families weighing the same.

        `training` [n_candidates, n_references] are the pairs that may be looked at.
        """
        strangers = training & (self.rows[:, None] != self.columns)
        n = int(max(self.rows.max(), self.columns.max())) + 1
        cell = (self.rows[:, None] * n + self.columns)[strangers]
        cells, group = np.unique(cell, return_inverse=True)
        if not len(cells) or not len(self.tensor):
            return np.zeros((len(self.tensor), self.tensor.shape[-1]))
        belongs = np.zeros((len(cells), len(group)), np.float32)
        belongs[group, np.arange(len(group))] = 1
        means = [
            (belongs @ filled[strangers]) / np.maximum(belongs @ known[strangers], 1)
            for filled, known in zip(self._filled, self._known, strict=True)
        ]
        return np.clip(np.mean(means, axis=1, dtype=np.float64), 0, HIGHEST_BACKGROUND)

    def __call__(self, background: Matrix) -> npt.NDArray[np.float32]:
        """Of all pairs, on all subsets: [n_subsets, n_candidates, n_references, n_channels]."""
        features = np.empty((self.subsets.shape[1], *self.tensor.shape[1:3], len(self.tensor)), np.float32)
        for place, level in enumerate(background.astype(np.float32)):
            taken = self._known[place] @ (level[:, None] * self.subsets)
            possible = self._counts[place] - taken
            excess = (self._sums[place] - taken) / np.where(possible > 0, possible, 1)
            features[..., place] = excess.transpose(2, 0, 1)
        return features
