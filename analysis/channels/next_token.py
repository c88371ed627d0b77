"""Next-token distribution on bytes: Bhattacharyya affinity of the byte bins, the same scale at every tier.

Where only the top k are known, both sides are compared on the bins seen and on one bin for all the rest (the
upper end of what the missing mass allows). Where only n sampled answers are known, the affinity is divided by
what n answers of the very same model would reach on average, so that few draws don't look like another model.
Where one side was asked through chat to continue a text, spaces at the beginning count on neither side.
"""

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from analysis.byte_bins import without_leading_space
from analysis.channels.interface import Arrays, continued_in_either, continued_rows
from analysis.observation import Observation

_GRID = np.concatenate([[0.0], np.geomspace(1e-6, 1.0, 200)])


class NextToken:
    """Bhattacharyya affinity (Bhattacharyya 1943) of the distributions of the first byte bin."""

    name = "next_token"
    tokenizer_dependent = False

    def extract(self, observation: Observation) -> Arrays:
        """`bins` [n, N_BINS], `missing` [n], `n_draws` [n] and, where there is one, `continued` [n], as observed."""
        seen: Arrays = {"bins": observation.bins, "missing": observation.missing, "n_draws": observation.n_draws}
        return {**seen, **continued_rows(observation)}

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """The affinity, 0 to 1 (sampling may carry it a little past 1): [n_canaries]."""
        candidate, reference = _spaces_aside(candidate, reference)
        p, q = candidate["bins"], reference["bins"]
        seen = _seen(candidate) & _seen(reference)
        shared = np.sqrt(p * q, where=seen, out=np.zeros_like(p)).sum(axis=1, dtype=np.float64)
        rest_p = np.clip(1 - np.sum(p, axis=1, where=seen), 0, 1)
        rest_q = np.clip(1 - np.sum(q, axis=1, where=seen), 0, 1)
        affinity = shared + np.sqrt(rest_p * rest_q)
        affinity = affinity / _expected_affinity(candidate, reference)
        return np.where(np.isnan(p).any(axis=1) | np.isnan(q).any(axis=1), np.nan, affinity)


CHANNEL = NextToken()


def _spaces_aside(candidate: Arrays, reference: Arrays) -> tuple[Arrays, Arrays]:
    """Both sides without the space at the beginning, on the canaries that one side was asked to continue in a chat."""
    continued = continued_in_either(candidate, reference)
    if continued is None:
        return candidate, reference
    with_bins = ({**side, "bins": without_leading_space(side["bins"], continued)} for side in (candidate, reference))
    return next(with_bins), next(with_bins)


def _seen(side: Arrays) -> npt.NDArray[np.bool_]:
    """Bins whose probability is known: all, where nothing is missing; else those that the top k fell into."""
    known: npt.NDArray[np.bool_] = (side["bins"] > 0) | (side["missing"] <= 1e-6)[:, None]
    return known


def _expected_affinity(candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
    """The affinity that sampling leaves when both sides are one model: 1 without sampling: [n_canaries]."""
    n, m = candidate["n_draws"], reference["n_draws"]
    expected = np.ones(len(n))
    for draws, other in {pair for pair in zip(n.tolist(), m.tolist(), strict=True) if pair != (0, 0)}:
        rows = (n == draws) & (m == other)
        p, q = candidate["bins"][rows].astype(np.float64), reference["bins"][rows].astype(np.float64)
        truth = q if other == 0 else p if draws == 0 else (draws * p + other * q) / (draws + other)
        expected[rows] = (_mean_root(truth, draws) * _mean_root(truth, other)).sum(axis=1)
    return np.clip(expected, 1e-3, None)


def _mean_root(probability: npt.NDArray[np.float64], draws: int) -> npt.NDArray[np.float64]:
    """E[sqrt(K / draws)] for K ~ Binomial(draws, probability), by interpolation; the root itself for 0 draws."""
    if draws == 0:
        return np.sqrt(probability)
    counts = np.arange(draws + 1)
    on_grid = binom.pmf(counts[None, :], draws, _GRID[:, None]) @ np.sqrt(counts / draws)
    mean: npt.NDArray[np.float64] = np.interp(probability, _GRID, on_grid)
    return mean
