"""First words: Bhattacharyya affinity of what the answers begin with, whatever the tokenizer, from text alone.

As for next tokens, the affinity is divided by what so few answers of the very same model would reach on average.
"""

import hashlib
import re
from collections import Counter
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Unfed
from analysis.signatures.observation import Observation
from analysis.signatures.sampling_noise import mean_root

WIDTH = 32
"""Words compared at most: the commonest; the comparison is quadratic in them."""
_WORD = re.compile(r"\w+|[^\w\s]+")


class FirstWord:
    """Affinity of the first words (or, where an answer begins so, the first run of punctuation)."""

    name = "first_word"
    tokenizer_dependent = False

    def extract(self, observation: Observation) -> Arrays | Unfed:
        """`words` [n, k] 64-bit hashes (0 for none), `share` [n, k], `n_draws` [n], 0 where there is no answer."""
        counts = [Counter(map(first_word, texts)) for texts in observation.texts]
        n_draws = np.array([count.total() for count in counts], dtype=np.int64)
        if not n_draws.any():
            return Unfed("it holds no answer in words")
        width = min(WIDTH, max(map(len, counts)))
        words, share = np.zeros((len(counts), width), np.uint64), np.zeros((len(counts), width), np.float32)
        for row, count in enumerate(counts):
            for column, (word, times) in enumerate(sorted(count.items(), key=lambda item: (-item[1], item[0]))[:width]):
                words[row, column], share[row, column] = _hash(word), times / n_draws[row]
        return {"words": words, "share": share, "n_draws": n_draws}

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """The affinity, 0 to 1 (sampling may carry it a little past 1): [n_canaries]."""
        p, q = candidate["share"], reference["share"]
        match = (candidate["words"][:, :, None] == reference["words"][:, None, :]) & (p > 0)[:, :, None]
        found = (match * q[:, None, :]).sum(axis=2)  # q at the words of p
        affinity = np.sqrt(p * found).sum(axis=1, dtype=np.float64)
        only_q = np.where(match.any(axis=1), 0, q)
        shared = affinity > 0
        expected = np.ones(len(p))
        n, m = candidate["n_draws"], reference["n_draws"]
        for draws, other in set(zip(n[shared].tolist(), m[shared].tolist(), strict=True)) - {(1, 1)}:
            rows = shared & (n == draws) & (m == other)
            pooled = np.concatenate([draws * p[rows] + other * found[rows], other * only_q[rows]], axis=1)
            truth = pooled.astype(np.float64) / (draws + other)
            expected[rows] = (mean_root(truth, draws) * mean_root(truth, other)).sum(axis=1)
        return np.where((n == 0) | (m == 0), np.nan, affinity / np.clip(expected, 1e-3, None))


CHANNEL = FirstWord()


def first_word(text: str) -> str:
    """The first word of an answer, its case kept; "" if there is none.

    >>> first_word("  Sure! Here"), first_word("**No**")
    ('Sure', '**')
    """
    found = _WORD.search(text)
    return found[0] if found else ""


@lru_cache(maxsize=65_536)
def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big") | 1
