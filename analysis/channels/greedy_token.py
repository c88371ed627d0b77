"""How likely one model finds the token that another's greedy answer begins with, beside the token it would begin with.

A greedy answer shows the likeliest token of who gave it, and no probability. Where a reference's distribution is known,
one word so tells more than two words side by side: one that it nearly said is near, one that it never says is far.
It is looked up by its spelling, so the two may have different tokenizers.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Unfed, continued_in_either, continued_rows
from analysis.signatures.observation import Observation

WIDTH = 16
"""Bytes of a beginning, and of a token, that are looked at."""
_WORD = np.dtype(">u8")
_MASKS = np.frombuffer(b"".join(b"\xff" * n + b"\0" * (WIDTH - n) for n in range(WIDTH + 1)), _WORD).reshape(-1, 2)


class GreedyToken:
    """The root of the reference's probability of that token, as a part of that of its own likeliest: 1 if both begin
    alike. What a single answer adds to a Bhattacharyya coefficient, on a scale where certainty of a reference does not
    count. Chats are left out, as in `next_token`.
    """

    name = "greedy_token"
    tokenizer_dependent = False

    def extract(self, observation: Observation) -> Arrays | Unfed:
        """`begins` [n] bytes, empty for none; of who showed a distribution, `tokens` [n, k] bytes, empty for none, and
        their `logprobs` [n, k]; `continued` [n]."""
        plain = [canary.messages is None for canary in observation.canaries]
        answers = [answer if one else None for answer, one in zip(observation.greedy, plain, strict=True)]
        if not any(answers):
            return Unfed("there is no greedy answer, or every canary is a chat")
        begins = np.array([(answer or b"")[:WIDTH] for answer in answers], dtype=f"S{WIDTH}")
        return {"begins": begins, **_distribution(observation), **continued_rows(observation)}

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """0 to 1: [n_canaries], NaN where a space at the beginning may have been lost, or the reference shows none."""
        begins = candidate["begins"]
        if "tokens" not in reference:
            return np.full(len(begins), np.nan)
        tokens, logprobs = reference["tokens"], reference["logprobs"].astype(np.float64)
        fits = np.where(_is_prefix(tokens, begins), np.char.str_len(tokens), 0)
        longest = fits.argmax(axis=1, keepdims=True)
        there = (np.take_along_axis(fits, longest, axis=1) > 0)[:, 0]
        lowest = np.where(np.isfinite(logprobs), logprobs, np.inf).min(axis=1)
        said = np.where(there, np.take_along_axis(logprobs, longest, axis=1)[:, 0], lowest)
        known = (begins != b"") & np.isfinite(lowest)
        continued = continued_in_either(candidate, reference)
        if continued is not None:
            known &= ~continued
        behind = np.where(known, said, 0) - np.where(known, logprobs.max(axis=1), 0)
        return np.where(known, np.exp(behind / 2), np.nan)


def _distribution(observation: Observation) -> dict[str, npt.NDArray[Any]]:
    """`tokens` and `logprobs`, where there are any."""
    if observation.token_ids is None or observation.logprobs is None:
        return {}
    numbers, inverse = np.unique(observation.token_ids, return_inverse=True)
    spelled = [observation.spelled.get(number, b"")[:WIDTH] for number in numbers.tolist()]
    tokens = np.array(spelled, dtype=f"S{WIDTH}")[inverse].reshape(observation.token_ids.shape)
    return {"tokens": tokens, "logprobs": observation.logprobs.astype(np.float32)}


def _is_prefix(tokens: npt.NDArray[Any], begins: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether each token [n, k] is how an answer [n] begins; as numbers, since there are millions."""
    masks = _MASKS[np.char.str_len(tokens)]
    wanted, given = (np.ascontiguousarray(one).view(_WORD).reshape(*one.shape, 2) for one in (tokens, begins))
    found: npt.NDArray[np.bool_] = ((given[:, None] & masks) == wanted).all(axis=-1) & (tokens != b"")
    return found


CHANNEL = GreedyToken()
