"""Bins for the first character of a continuation: one space in which all tokenizers and tiers can be compared.

A token, or a text, falls into a bin by its first bytes: whether it begins with a space, and the character after
that (ASCII exactly; others by their UTF-8 lead byte and the upper bits of the next byte). Tokens are spelled in
bytes first, so that models with different vocabularies share the bins, and the coarse bins keep the noise of a
few sampled answers small. `" "` alone and the end of the answer have bins of their own.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_ASCII = 128
_LEADS = range(0xC2, 0xF5)
_CONTINUATIONS = 9  # eight groups by the upper bits of the next byte, and one where the token ends before it
_INVALID = _ASCII + len(_LEADS) * _CONTINUATIONS
_HALF = _INVALID + 1
LONE_SPACE = 2 * _HALF
END = LONE_SPACE + 1
N_BINS = END + 1
VERSION = "first-character-1"
"""Names this definition in reduced recordings; change it whenever a bin moves."""


def bin_of(spelled: bytes) -> int:
    """The bin, 0 to N_BINS - 1, of a token or text spelled in bytes; empty bytes are the end of the answer.

    >>> bin_of(b"The") == bin_of(b"T"), bin_of(b" The") == bin_of(b"The")
    (True, False)
    """
    if not spelled:
        return END
    if spelled == b" ":
        return LONE_SPACE
    spaced = spelled.startswith(b" ")
    character = spelled[1:3] if spaced else spelled[:2]
    lead = character[0]
    if lead < _ASCII:
        position = lead
    elif lead not in _LEADS:
        position = _INVALID
    else:
        following = (character[1] >> 3) & 7 if len(character) > 1 else _CONTINUATIONS - 1
        position = _ASCII + (lead - _LEADS.start) * _CONTINUATIONS + following
    return position + _HALF * spaced


def bins_of(spelled: Iterable[bytes]) -> npt.NDArray[np.intp]:
    """The bins of many tokens: [n_tokens]."""
    return np.fromiter((bin_of(token) for token in spelled), dtype=np.intp)


def bin_probabilities(probabilities: npt.NDArray[np.floating], bins: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """Sum token probabilities [n_canaries, n_tokens] into bins: [n_canaries, N_BINS]."""
    return np.array([np.bincount(bins, row, N_BINS) for row in probabilities], dtype=np.float32)


def without_leading_space(bins: npt.NDArray[np.float32], rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Probabilities [n, N_BINS] with "space and a character" counted as the character, in some rows [n]."""
    folded = bins.copy()
    folded[rows, :_HALF] += folded[rows, _HALF:LONE_SPACE]
    folded[rows, _HALF:LONE_SPACE] = 0
    return folded


def describe_bin(number: int) -> str:
    """A bin in words, for tables and reports."""
    if number == END:
        return "end of answer"
    if number == LONE_SPACE:
        return "space alone"
    spaced, position = divmod(number, _HALF)
    prefix = "space + " if spaced else ""
    if position < _ASCII:
        return prefix + repr(chr(position))
    if position == _INVALID:
        return prefix + "invalid byte"
    lead = _LEADS.start + (position - _ASCII) // _CONTINUATIONS
    return f"{prefix}byte 0x{lead:02X} ..."
