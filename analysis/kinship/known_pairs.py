"""Similarities of pairs of which some are unknown: few, so that where they are is kept beside plain numbers."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.float32]
Gap = tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]
"""Rows [n_rows] of a model's pairs with something unknown, and what: [n_rows, n_canaries]."""


@dataclass(frozen=True)
class KnownPairs:
    """`similarity` [n_channels, n, n, n_canaries], 0 where unknown; `live` [n_channels, n_canaries] 1 where anything is
    known, else 0; `gaps` by channel and model: what else is unknown of its pairs with all models, if anything is."""

    similarity: Tensor
    live: npt.NDArray[np.float32]
    gaps: dict[tuple[int, int], Gap]

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
            rows = np.flatnonzero(unknown.any(axis=1))
            if len(rows):
                gaps[channel, model] = rows, unknown[rows]
        return cls(tensor, live.astype(np.float32), gaps)

    def known(self, model: int) -> npt.NDArray[np.float32]:
        """1 where a model's similarity to another is known, else 0: [n_channels, n, n_canaries]."""
        known = np.repeat(self.live[:, None], self.similarity.shape[1], axis=1)
        for channel in range(len(known)):
            if (channel, model) in self.gaps:
                rows, unknown = self.gaps[channel, model]
                known[channel, rows] *= ~unknown
        return known

    def totals(self, channel: int, model: int, weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The weight of the known canaries of a model's pairs [n, n_sets], from that of each in every set of weights
        [n_canaries, n_sets]."""
        live = weights * self.live[channel][:, None]
        totals = np.repeat(live.sum(axis=0)[None], self.similarity.shape[1], axis=0)
        if (channel, model) in self.gaps:
            rows, unknown = self.gaps[channel, model]
            totals[rows] -= unknown.astype(np.float32) @ live
        return totals
