"""A sketch of a signature: a short vector, so that how alike two models are is about the product of two of them.

The similarities that decide are dot products already, or nearly: of square roots of next-byte distributions (the
Bhattacharyya affinity), of the beginnings of greedy answers (each of at most 24 bytes: a common prefix of n bytes is n
beginnings in common), of prompt token counts less a constant. These vectors have a coordinate for each canary and each
thing that may be answered; a hash of both puts them into a few hundred buckets, with a random sign (Charikar, Chen and
Farach-Colton 2002; Weinberger et al. 2009). The canary's prompt is part of the hash: what only one side was asked
falls out of the product but for noise. Nothing is learned, so that nothing has to be fitted anew when models are added.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays
from analysis.signatures.signature import Signature

VERSION = "count-sketch-1"
"""Names this definition in an index; change it whenever a bucket moves."""
BUCKETS = {"next_token": 256, "greedy": 512, "tokenizer": 256}
"""Of each channel; wording is left to the full kinship, being worth next to nothing from 32 canaries on."""
SIZE = sum(BUCKETS.values())
_Numbers = npt.NDArray[np.uint64]
_Vector = npt.NDArray[np.float32]


def sketch(signature: Signature) -> _Vector:
    """The sketch [SIZE], the channels one after the other; zeros for a channel that the signature does not feed."""
    prompts = prompt_numbers(signature.digests)
    parts = [part(signature.channels.get(name), name, prompts) for name in BUCKETS]
    return np.concatenate(parts).astype(np.float32)


def prompt_numbers(digests: Sequence[str]) -> _Numbers:
    """Prompts as numbers: [n]."""
    return np.array([int(digest[:16], 16) for digest in digests], dtype=np.uint64)


def weighted(query: _Vector, weights: Mapping[str, float]) -> _Vector:
    """A query whose product with a sketch is the sum over channels of so much times the summed similarity."""
    return query * np.repeat([weights.get(name, 0.0) for name in BUCKETS], list(BUCKETS.values())).astype(np.float32)


def part(arrays: Arrays | None, name: str, prompts: _Numbers) -> npt.NDArray[np.float64]:
    """One channel's part of a sketch, from its arrays on these prompts; zeros without any."""
    size = BUCKETS[name]
    if arrays is None:
        return np.zeros(size)
    rows, features, values = _COORDINATES[name](arrays)
    buckets, signs = placed(prompts[rows], features, size)
    found: npt.NDArray[np.float64] = np.bincount(buckets, signs * values, size).astype(np.float64)
    return found


def placed(prompts: _Numbers, features: _Numbers, size: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Bucket, below `size`, and sign of coordinates [n] that are named by prompt and feature."""
    numbers = _mixed(prompts ^ _mixed(features))
    return (numbers % np.uint64(size)).astype(np.intp), np.where(numbers >> np.uint64(63), 1.0, -1.0)


_Coordinates = tuple[npt.NDArray[np.intp], _Numbers, npt.NDArray[np.floating]]


def _next_token(arrays: Arrays) -> _Coordinates:
    rows, bins = np.nonzero(np.nan_to_num(arrays["bins"]))
    return rows, bins.astype(np.uint64), np.sqrt(arrays["bins"][rows, bins])


def _greedy(arrays: Arrays) -> _Coordinates:
    return greedy_coordinates(arrays["text"], arrays["length"])


def greedy_coordinates(text: npt.NDArray[np.integer], length: npt.NDArray[np.floating]) -> _Coordinates:
    """Of answers [n, width] with their lengths [n], NaN for none: each beginning's, all of them worth 1 in sum."""
    beginnings = np.zeros(text.shape, dtype=np.uint64)
    number = np.zeros(len(text), dtype=np.uint64)
    for column in range(text.shape[1]):
        number = _mixed(number + text[:, column].astype(np.uint64) + np.uint64(1))
        beginnings[:, column] = number
    rows, columns = np.nonzero(np.arange(text.shape[1]) < length[:, None])
    return rows, beginnings[rows, columns], 1 / np.sqrt(length[rows])


def _tokenizer(arrays: Arrays) -> _Coordinates:
    counts = np.where(arrays["chat"], np.nan, arrays["prompt_tokens"].astype(np.float64))
    rows = np.flatnonzero(~np.isnan(counts))
    least = counts[rows].min() if len(rows) else 0
    return rows, (counts[rows] - least).astype(np.uint64), np.ones(len(rows))


_COORDINATES = {"next_token": _next_token, "greedy": _greedy, "tokenizer": _tokenizer}


def _mixed(numbers: _Numbers) -> _Numbers:
    """Numbers scattered over 64 bits (splitmix64; Steele, Lea and Flood 2014)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
