"""What a few sampled answers leave of an affinity between distributions."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

_GRID = np.concatenate([[0.0], np.geomspace(1e-6, 1.0, 200)])


def mean_root(probability: npt.NDArray[np.float64], draws: int) -> npt.NDArray[np.float64]:
    """E[sqrt(K / draws)] for K ~ Binomial(draws, probability), by interpolation; the root itself for 0 draws."""
    if draws == 0:
        return np.sqrt(probability)
    mean: npt.NDArray[np.float64] = np.interp(probability, _GRID, _on_grid(draws))
    return mean


@lru_cache(maxsize=256)
def _on_grid(draws: int) -> npt.NDArray[np.float64]:
    counts = np.arange(draws + 1)
    values: npt.NDArray[np.float64] = binom.pmf(counts[None, :], draws, _GRID[:, None]) @ np.sqrt(counts / draws)
    return values
