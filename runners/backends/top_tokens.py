"""The likeliest tokens of a row of logits."""

import numpy as np

from runners.backends.interface import Logits


def likeliest(logits: Logits, top_k: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Ids and logprobs (nats) of the top k of logits [vocab_size], in descending order; ties by id."""
    candidates = np.argpartition(-logits, min(top_k, len(logits)) - 1)[:top_k]
    ranked = candidates[np.lexsort((candidates, -logits[candidates]))]
    shifted = logits.astype(np.float64) - logits.max()
    logprobs = shifted[ranked] - np.log(np.exp(shifted).sum())
    return tuple(ranked.tolist()), tuple(logprobs.tolist())
