"""Wording: overlap of the letter sequences of whole answers, whatever the tokenizer, from text alone."""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Unfed
from analysis.signatures.observation import Observation

LENGTH = 5
"""Letters of a sequence: about a word's stem with the space before it."""
READ = 160
"""Letters of an answer that are read, so that nobody is judged by how long an answer was allowed to be."""
BUCKETS = 256
_DRAWS = 8  # answers a canary that are read


class Wording:
    """Cosine of the (hashed; Weinberger et al. 2009) sequences of letters that two models' answers hold."""

    name = "wording"
    tokenizer_dependent = False

    def extract(self, observation: Observation) -> Arrays | Unfed:
        """`letters` [n, BUCKETS]: unit vectors; `known` [n].

        The greedy answer is read, which both sides have at every tier; the sampled ones only where there is none.
        """
        answers = [
            texts[:_DRAWS] if greedy is None else (greedy.decode(errors="replace"),)
            for greedy, texts in zip(observation.greedy, observation.texts, strict=True)
        ]
        if not any(" " in text.strip() for texts in answers for text in texts):
            return Unfed("no answer is longer than a word")
        letters = np.stack([_sequences(texts) for texts in answers]).astype(np.float16)
        return {"letters": letters, "known": np.any(letters, axis=1)}

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """The cosine, 0 to 1: [n_canaries]."""
        p, q = candidate["letters"].astype(np.float32), reference["letters"].astype(np.float32)
        cosine = np.clip(np.einsum("cd,cd->c", p, q), 0, 1).astype(np.float64)
        return np.where(candidate["known"] & reference["known"], cosine, np.nan)


CHANNEL = Wording()


def _sequences(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """A unit vector [BUCKETS] over the sequences of the texts; zeros if there is none."""
    found = np.zeros(BUCKETS, np.float32)
    for text in texts:
        read = f" {' '.join(text[: 2 * READ].lower().split())[:READ]} ".encode()
        buckets = [
            zlib.crc32(read[start : start + LENGTH]) % BUCKETS for start in range(max(len(read) - LENGTH + 1, 1))
        ]
        if len(read) > 2:
            found[np.unique(buckets)] += 1
    length = np.sqrt(found.sum())
    return np.sqrt(found) / length if length else found
