"""Which tokens are kept where the whole vocabulary would be too much: a fixed, scattered part of it."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SALT = b"kinprint positions"
HOW = "the tokens that spell text, in order of sha256(b'kinprint positions' + bytes), then of id; the first of them"
"""How `chosen_tokens` chooses, for manifests."""


def chosen_tokens(token_bytes: Sequence[bytes], count: int) -> npt.NDArray[np.int32]:
    """Ids [n_chosen] of at most `count` tokens; `token_bytes` spells the vocabulary, empty where a token is no text.

    The order depends on a token's bytes alone, so tokenizers choose the same strings as far as they share them.
    """
    ranked = sorted(
        (hashlib.sha256(SALT + spelled).digest(), number) for number, spelled in enumerate(token_bytes) if spelled
    )
    return np.array([number for _, number in ranked[:count]], dtype=np.int32)
