"""Next-token distribution on bytes: Bhattacharyya affinity of the byte bins, the same scale at every tier.

Where only the top k are known, both sides are compared on the bins seen and on one bin for what both miss. Where only n
sampled answers are known, the affinity is divided by what n answers of the very same model would reach on average, so
that few draws don't look like another model.
Where one side was asked through chat to continue a text, spaces at the beginning count on neither side.
Chats are left out: how an answer begins there is a matter of tone and system prompt more than of lineage. With the
shipped references and one family left out at a time, it made strangers look like kin (docs/method.md).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Unfed, continued_in_either, continued_rows
from analysis.signatures.byte_bins import without_leading_space
from analysis.signatures.observation import Observation
from analysis.signatures.sampling_noise import mean_root

_NOTHING = 1e-9


class NextToken:
    """Bhattacharyya affinity (Bhattacharyya 1943) of the distributions of the first byte bin."""

    name = "next_token"
    tokenizer_dependent = False

    def extract(self, observation: Observation) -> Arrays | Unfed:
        """`bins` [n, N_BINS], `missing` [n], `n_draws` [n]; `continued` [n] where some were continued in a chat."""
        chats = np.array([canary.messages is not None for canary in observation.canaries])
        if chats.all():
            return Unfed("every canary is a chat, and how an answer begins there is a matter of tone")
        if np.isnan(observation.bins).all():
            return Unfed("no first-token distribution was given, and nothing was sampled")
        seen: dict[str, npt.NDArray[Any]] = {
            "bins": np.where(chats[:, None], np.nan, observation.bins),
            "missing": observation.missing,
            "n_draws": observation.n_draws,
        }
        return {**seen, **continued_rows(observation)}

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """The affinity, 0 to 1 (sampling may carry it a little past 1): [n_canaries]."""
        candidate, reference = _spaces_aside(candidate, reference)
        p, q = candidate["bins"], reference["bins"]
        shared = np.sqrt(p * q).sum(axis=1, dtype=np.float64)
        unmatched_p = (p * (q == 0)).sum(axis=1, dtype=np.float64)
        unmatched_q = (q * (p == 0)).sum(axis=1, dtype=np.float64)
        rest = affinity_of_rest(candidate["missing"], unmatched_p, reference["missing"], unmatched_q)
        affinity = shared + rest
        affinity = affinity / _expected_affinity(candidate, reference)
        return np.where(np.isnan(p).any(axis=1) | np.isnan(q).any(axis=1), np.nan, affinity)

    def coefficient(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """The affinity of what was seen, with nothing put in for what was not, or for sampling: [n_canaries]."""
        candidate, reference = _spaces_aside(candidate, reference)
        found: npt.NDArray[np.float64] = np.sqrt(candidate["bins"] * reference["bins"]).sum(axis=1, dtype=np.float64)
        return found


CHANNEL = NextToken()


def affinity_of_rest(
    missing_p: npt.NDArray[Any],
    unmatched_p: npt.NDArray[Any],
    missing_q: npt.NDArray[Any],
    unmatched_q: npt.NDArray[Any],
) -> npt.NDArray[np.float64]:
    """What unseen mass adds to an affinity: [n_canaries].

    `missing` is the mass that one side did not show, `unmatched` what it showed where the other showed nothing. If one
    side shows all that the other does, as of one model seen with two accesses, the rest is the most that can be: what
    the other misses lies wherever there is room. If both show what the other doesn't, either would have shown what it
    holds much of, and missing mass is divided as the other's mass is; of what both miss, both hold the same.
    """
    most = np.sqrt(np.maximum(missing_p * (missing_q + unmatched_q), missing_q * (missing_p + unmatched_p)))
    both_p = missing_p * missing_q / np.maximum(missing_q + unmatched_q, _NOTHING)
    both_q = missing_q * missing_p / np.maximum(missing_p + unmatched_p, _NOTHING)
    nested = np.abs(unmatched_p - unmatched_q) / np.maximum(unmatched_p + unmatched_q, _NOTHING)
    rest: npt.NDArray[np.float64] = nested * most + (1 - nested) * np.sqrt(both_p * both_q)
    return rest


def _spaces_aside(candidate: Arrays, reference: Arrays) -> tuple[Arrays, Arrays]:
    """Both sides without the space at the beginning, on the canaries that one side was asked to continue in a chat."""
    continued = continued_in_either(candidate, reference)
    if continued is None:
        return candidate, reference
    with_bins = ({**side, "bins": without_leading_space(side["bins"], continued)} for side in (candidate, reference))
    return next(with_bins), next(with_bins)


def _expected_affinity(candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
    """The affinity that sampling leaves when both sides are one model: 1 without sampling: [n_canaries]."""
    n, m = candidate["n_draws"], reference["n_draws"]
    expected = np.ones(len(n))
    for draws, other in {pair for pair in zip(n.tolist(), m.tolist(), strict=True) if pair != (0, 0)}:
        rows = (n == draws) & (m == other)
        p, q = candidate["bins"][rows].astype(np.float64), reference["bins"][rows].astype(np.float64)
        truth = q if other == 0 else p if draws == 0 else (draws * p + other * q) / (draws + other)
        expected[rows] = (mean_root(truth, draws) * mean_root(truth, other)).sum(axis=1)
    return np.clip(expected, 1e-3, None)
