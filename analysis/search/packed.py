"""A signature packed into bytes: the channels that decide a family, without loss, a tenth of their size in memory.

Byte bins are kept where there is any mass, letters as bits. The bytes are those of a safetensors file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from analysis.channels.interface import CONTINUED
from analysis.channels.wording import BUCKETS
from analysis.signatures.byte_bins import N_BINS
from analysis.signatures.signature import Signature
from probes.errors import LibraryError

CHANNELS = ("next_token", "greedy", "wording", "tokenizer")
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Packed:
    """The arrays of one signature, as they are packed.

    `bin_counts` [n] of each canary's bins, `bin_index`, `bin_probability` [nnz]; `bins_known`, `missing`, `n_draws`
    [n]; `text` [n, 24], `length` [n]; `letters` [n, BUCKETS / 8] bits, `letter` [n] what a set one is worth;
    `prompt_tokens`, `chat` [n]; `answered` [n].
    """

    arrays: Arrays

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """The canary of each byte bin: [nnz]."""
        counts = self.arrays["bin_counts"]
        return np.repeat(np.arange(len(counts)), counts)

    @classmethod
    def of(cls, signature: Signature) -> Self:
        """Pack a signature. Raises LibraryError for one that was asked to continue texts through chat."""
        arrays: dict[str, npt.NDArray[Any]] = {"answered": signature.answered}
        for name in CHANNELS:
            if name in signature.channels:
                found = signature.channels[name]
                if CONTINUED in found:
                    raise LibraryError(
                        f"{signature.name} continued texts through chat; a reference continues them by itself"
                    )
                arrays |= _PACK[name](found)
        return cls(arrays)

    @classmethod
    def of_bytes(cls, data: bytes, where: str) -> Self:
        """Raises LibraryError if the bytes are not those that `to_bytes` makes."""
        try:
            return cls(load(data))
        except (SafetensorError, ValueError, KeyError) as error:
            raise LibraryError(f"{where} is damaged ({error}); run 'kinprint library index' again") from error

    def to_bytes(self) -> bytes:
        """What `of_bytes` reads."""
        return bytes(save({name: np.ascontiguousarray(value) for name, value in self.arrays.items()}))

    @property
    def channels(self) -> dict[str, dict[str, npt.NDArray[Any]]]:
        """The arrays of the channels, as the signature had them."""
        return {name: unpack(self) for name, unpack in _UNPACK.items() if _KEY[name] in self.arrays}

    def has(self, channel: str) -> bool:
        """Whether the signature fed this channel."""
        return _KEY[channel] in self.arrays


def _pack_next_token(arrays: Arrays) -> Arrays:
    bins = arrays["bins"]
    known: npt.NDArray[np.bool_] = np.asarray(~np.isnan(bins).any(axis=1))
    rows, index = np.nonzero(np.where(known[:, None], bins, 0))
    return {
        "bin_counts": np.bincount(rows, minlength=len(bins)).astype(np.uint16),
        "bin_index": index.astype(np.uint16),
        "bin_probability": bins[rows, index].astype(np.float32),
        "bins_known": known,
        "missing": arrays["missing"].astype(np.float32),
        "n_draws": arrays["n_draws"].astype(np.int64),
    }


def _unpack_next_token(packed: Packed) -> dict[str, npt.NDArray[Any]]:
    arrays = packed.arrays
    bins = np.zeros((len(arrays["bin_counts"]), N_BINS), np.float32)
    bins[packed.rows, arrays["bin_index"]] = arrays["bin_probability"]
    bins[~arrays["bins_known"]] = np.nan
    return {"bins": bins, "missing": arrays["missing"], "n_draws": arrays["n_draws"]}


def _pack_greedy(arrays: Arrays) -> Arrays:
    return {"text": np.maximum(arrays["text"], 0).astype(np.uint8), "length": arrays["length"].astype(np.float32)}


def _unpack_greedy(packed: Packed) -> dict[str, npt.NDArray[Any]]:
    length = packed.arrays["length"].astype(np.float64)
    text = packed.arrays["text"].astype(np.int16)
    text[~(np.arange(text.shape[1]) < length[:, None])] = -1
    return {"text": text, "length": length}


def _pack_wording(arrays: Arrays) -> Arrays:
    found = as_bits(arrays["letters"])
    return {"letters": arrays["letters"]} if found is None else {"letters": found[0], "letter": found[1]}


def as_bits(letters: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.floating]] | None:
    """Letters [n, BUCKETS] as bits [n, BUCKETS / 8], and what a set one is worth [n], as where one answer was read of
    each; None where they are not all worth the same."""
    worth = letters.max(axis=1)
    same = np.array_equal(letters, np.where(letters > 0, worth[:, None], np.zeros_like(worth)[:, None]))
    return (np.packbits(letters > 0, axis=1), worth) if same else None


def _unpack_wording(packed: Packed) -> dict[str, npt.NDArray[Any]]:
    letters = packed.arrays["letters"]
    known = np.any(letters, axis=1)
    if "letter" in packed.arrays:
        worth = packed.arrays["letter"][:, None]
        letters = np.where(np.unpackbits(letters, axis=1, count=BUCKETS).view(np.bool_), worth, np.zeros_like(worth))
    return {"letters": letters, "known": known}


def _pack_tokenizer(arrays: Arrays) -> Arrays:
    return {"prompt_tokens": arrays["prompt_tokens"].astype(np.float32), "chat": arrays["chat"]}


def _unpack_tokenizer(packed: Packed) -> dict[str, npt.NDArray[Any]]:
    return {"prompt_tokens": packed.arrays["prompt_tokens"].astype(np.float64), "chat": packed.arrays["chat"]}


_PACK = {
    "next_token": _pack_next_token,
    "greedy": _pack_greedy,
    "wording": _pack_wording,
    "tokenizer": _pack_tokenizer,
}
_UNPACK = {
    "next_token": _unpack_next_token,
    "greedy": _unpack_greedy,
    "wording": _unpack_wording,
    "tokenizer": _unpack_tokenizer,
}
_KEY = {"next_token": "bin_counts", "greedy": "text", "wording": "letters", "tokenizer": "prompt_tokens"}
