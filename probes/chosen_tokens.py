"""Which tokens are kept where the whole vocabulary would be too much: spellings that most vocabularies have, and more.

Models of different vocabularies can be compared on the first `len(COMMON)` of them, and a library's references hold no
fewer.
"""

import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import numpy.typing as npt

COMMON = tuple(one.encode() for one in json.loads(files("probes").joinpath("common_tokens.json").read_text("utf-8")))
"""Printable strings that are one token each to SmolLM2, Gemma 3, Qwen2.5 and to every plan of the zoo: of all of them,
the first in order of sha256(b'kinprint common tokens' + bytes)."""
SALT = b"kinprint positions"
HOW = (
    "the tokens that spell one of probes/common_tokens.json, in its order; then those that spell other text, in order "
    "of sha256(b'kinprint positions' + bytes); of those that spell the same the last; the first of all these"
)
"""How `chosen_tokens` chooses, for manifests."""


def chosen_tokens(token_bytes: Sequence[bytes], count: int) -> npt.NDArray[np.int32]:
    """Ids [n_chosen] of at most `count` tokens; `token_bytes` spells the vocabulary, empty where a token is no text.

    The order depends on a token's bytes alone, so tokenizers choose the same strings as far as they share them. Where
    several tokens spell the same it is the last: the first are bytes to fall back on, that no text is cut into.
    """
    last = {spelled: number for number, spelled in enumerate(token_bytes) if spelled}
    chosen = [last[spelled] for spelled in COMMON if spelled in last][:count]
    if len(chosen) < count:
        others = sorted(
            (hashlib.sha256(SALT + spelled).digest(), last[spelled]) for spelled in last.keys() - set(COMMON)
        )
        chosen += [number for _, number in others[: count - len(chosen)]]
    return np.array(chosen, dtype=np.int32)
