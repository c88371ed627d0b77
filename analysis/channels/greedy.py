"""Greedy continuation: how far two greedy answers spell the same bytes."""

from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Unfed, continued_in_either, continued_rows
from analysis.signatures.observation import Observation

WIDTH = 24
"""Bytes compared at most: about the length of the shortest answers, so that nobody is judged by token length."""


class Greedy:
    """How much of their beginning two greedy answers share, as a part of what both said (24 bytes at most)."""

    name = "greedy"
    tokenizer_dependent = False

    def extract(self, observation: Observation) -> Arrays | Unfed:
        """`text` [n, WIDTH] byte values, -1 past the end; `length` [n], NaN without an answer; `continued` [n]."""
        if all(answer is None for answer in observation.greedy):
            return Unfed("there is no greedy answer")
        text = np.full((len(observation.greedy), WIDTH), -1, dtype=np.int16)
        length = np.full(len(observation.greedy), np.nan)
        for row, answer in enumerate(observation.greedy):
            if answer is not None:
                length[row] = min(len(answer), WIDTH)
                text[row, : int(length[row])] = np.frombuffer(answer[:WIDTH], dtype=np.uint8)
        return {"text": text, "length": length, **continued_rows(observation)}

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """Common prefix over the shorter length, 0 to 1; two empty answers are alike: [n_canaries]."""
        continued = continued_in_either(candidate, reference)
        if continued is not None:
            candidate, reference = (_without_space(side, continued) for side in (candidate, reference))
        equal = np.cumprod(candidate["text"] == reference["text"], axis=1).sum(axis=1)
        return share_of_shorter(equal, candidate["length"], reference["length"])


def share_of_shorter(
    equal: npt.NDArray[Any], one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """How much of the shorter answer `equal` bytes are, from the lengths of both, NaN for none; arrays of one shape, or
    that broadcast to one."""
    shorter, longer = np.minimum(one, other), np.maximum(one, other)
    share = np.minimum(equal, shorter) / np.where(shorter > 0, shorter, 1)
    similarity: npt.NDArray[np.float64] = np.where(longer == 0, 1.0, share)
    return np.where(np.isnan(shorter), np.nan, similarity)


def _without_space(side: Arrays, rows: npt.NDArray[np.bool_]) -> Arrays:
    """Answers without a space at their beginning, in the rows [n] where one side can't show whether there was one."""
    spaced = rows & (side["text"][:, 0] == ord(" "))
    if not spaced.any():
        return side
    text, length = side["text"].copy(), side["length"].copy()
    text[spaced, :-1], text[spaced, -1] = text[spaced, 1:], -1
    length[spaced] -= 1
    return {**side, "text": text, "length": length}


CHANNEL = Greedy()
