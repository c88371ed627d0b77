"""The byte spellings of tokens: how many of them are kept in a file of arrays, and what stands for one."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt


def hash_of(spelled: bytes) -> int:
    """64 bits, never 0, that stand for what a token spells."""
    return int.from_bytes(hashlib.sha256(b"token" + spelled).digest()[:8], "big") | 1


def split_bytes(content: npt.NDArray[np.uint8], offsets: npt.NDArray[np.integer[Any]]) -> list[bytes]:
    """Undo `join_bytes`: the byte strings between consecutive offsets."""
    whole, ends = content.tobytes(), offsets.tolist()
    return [whole[start:end] for start, end in pairwise(ends)]


def join_bytes(spelled: Sequence[bytes]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Byte strings as one array of bytes and n + 1 offsets, the form in which they are kept."""
    offsets = np.zeros(len(spelled) + 1, dtype=np.int32)  # a vocabulary's bytes are a few million
    np.cumsum(np.fromiter((len(token) for token in spelled), dtype=np.int32, count=len(spelled)), out=offsets[1:])
    return np.frombuffer(b"".join(spelled), dtype=np.uint8), offsets
