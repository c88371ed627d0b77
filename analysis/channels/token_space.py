"""Next-token distribution on whole tokens: Bhattacharyya affinity of the likeliest tokens, matched by spelling."""

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Unfed
from analysis.channels.next_token import affinity_of_rest
from analysis.signatures.observation import Observation
from probes.spelling import hash_of

WIDTH = 32
"""Tokens compared at most; beyond them lies little mass, and the comparison is quadratic in them."""


class TokenSpace:
    """Affinity over tokens that are spelled alike, and over one bin for all others."""

    name = "token_space"
    tokenizer_dependent = True

    def extract(self, observation: Observation) -> Arrays | Unfed:
        """`tokens` [n, k] 64-bit hashes of spellings (0 for none), `root` [n, k] square roots of probabilities."""
        if observation.token_ids is None or observation.logprobs is None:
            return Unfed("no logprobs of the first token were given")
        ids, names = observation.token_ids[:, :WIDTH], observation.spelled
        used, inverse = np.unique(ids, return_inverse=True)
        hashes = np.array([hash_of(names[n]) if n in names else 0 for n in used.tolist()], dtype=np.uint64)
        tokens, mass = hashes[inverse].reshape(ids.shape), np.exp(observation.logprobs[:, :WIDTH])
        for row, column in zip(*np.nonzero(_repeated(tokens)), strict=True):  # several tokens without text, mostly
            first = int(np.argmax(tokens[row] == tokens[row, column]))
            mass[row, first] += mass[row, column]
            mass[row, column], tokens[row, column] = 0, 0
        return {"tokens": tokens, "root": np.sqrt(mass)}

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """The affinity, 0 to 1: [n_canaries]."""
        p, q = candidate["root"], reference["root"]
        match = candidate["tokens"][:, :, None] == reference["tokens"][:, None, :]
        match &= (candidate["tokens"] > 0)[..., None]
        shared = np.einsum("ci,cij,cj->c", p, match, q, optimize=True)
        unmatched_p = (p**2 * ~match.any(axis=2)).sum(axis=1)
        unmatched_q = (q**2 * ~match.any(axis=1)).sum(axis=1)
        missing_p, missing_q = (np.clip(1 - (side**2).sum(axis=1), 0, 1) for side in (p, q))
        nothing = (p.sum(axis=1) == 0) | (q.sum(axis=1) == 0)
        return np.where(nothing, np.nan, shared + affinity_of_rest(missing_p, unmatched_p, missing_q, unmatched_q))


CHANNEL = TokenSpace()


def _repeated(tokens: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Where a token [n, k] has stood before in its row."""
    earlier = np.tril(tokens[:, :, None] == tokens[:, None, :], k=-1).any(axis=2)
    repeated: npt.NDArray[np.bool_] = earlier & (tokens > 0)
    return repeated
