"""Similarities of pairs of which some are unknown: few, so that where they are is kept beside plain numbers."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Tensor = npt.NDArray[np.float32]
Gaps = npt.NDArray[np.int32]
"""What is unknown of a model's pairs [n, n_canaries], by its places in the flattened array, ascending."""


@dataclass(frozen=True)
class KnownPairs:
    """`similarity` [n_channels, n, n, n_canaries], 0 where unknown; `live` [n_channels, n_canaries] 1 where anything is
    known, else 0; `gaps` by channel and model: what else is unknown of its pairs with all models."""

    similarity: Tensor
    live: npt.NDArray[np.float32]
    gaps: dict[tuple[int, int], Gaps]

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        """From similarities with NaN where one gave nothing, which become 0 in place: they may be gigabytes."""
        live = np.zeros((len(tensor), tensor.shape[-1]), bool)
        for channel, model in np.ndindex(*tensor.shape[:2]):
            live[channel] |= ~np.isnan(tensor[channel, model]).all(axis=0)
        gaps = {}
        for channel, model in np.ndindex(*tensor.shape[:2]):
            unknown = np.isnan(tensor[channel, model])
            tensor[channel, model][unknown] = 0
            unknown &= live[channel]
            gaps[channel, model] = np.flatnonzero(unknown).astype(np.int32)
        return cls(tensor, live.astype(np.float32), gaps)

    def unknown(self, channel: int, model: int, rows: slice) -> npt.NDArray[np.int32]:
        """The gaps of a model's pairs with some models: places in the flattened [n_rows, n_canaries]."""
        gaps, width = self.gaps[channel, model], self.live.shape[1]
        if not len(gaps):
            return gaps
        first, last = np.searchsorted(gaps, np.array([rows.start, rows.stop], np.int32) * width)
        return gaps[first:last] - np.int32(rows.start * width)

    def known(self, channel: int, model: int, rows: slice) -> npt.NDArray[np.float32]:
        """1 where a model's similarity to some models is known, else 0: [n_rows, n_canaries]."""
        known = np.repeat(self.live[channel, None], rows.stop - rows.start, axis=0)
        np.put(known, self.unknown(channel, model, rows), 0)
        return known

    def totals(self, channel: int, model: int, weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The weight of the known canaries of a model's pairs [n, n_sets], from that of each in every set of weights
        [n_canaries, n_sets]."""
        live, gaps = weights * self.live[channel][:, None], self.gaps[channel, model]
        n, n_canaries = self.similarity.shape[2:]
        totals = np.repeat(live.sum(axis=0)[None], n, axis=0)
        if len(gaps):
            rows = np.searchsorted(gaps, np.arange(n + 1) * n_canaries)
            totals -= csr_array((np.ones(len(gaps), np.float32), gaps % n_canaries, rows), (n, n_canaries)) @ live
        return totals
