"""The header of a GGUF file: its facts and where its tensors are.

The reader of the gguf package believes every count in the file: one forged number, and it fills the memory. So the
header is read here and checked against the file's size (layout: ggml's docs/gguf.md, versions 2 and 3, little-endian).
"""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from analysis.weights.plain_file import plain_file
from probes.errors import CandidateError

_SCALARS = ("<u1", "<i1", "<u2", "<i2", "<u4", "<i4", "<f4", "?", "", "", "<u8", "<i8", "<f8")
_STRING, _ARRAY = 8, 9
_MOST_STRING = 1 << 24
_MOST_ITEMS = 1 << 24
_MOST_DIMENSIONS = 4
_MOST_ALIGNMENT = 1 << 16


@dataclass(frozen=True)
class GgufTensor:
    """One tensor: its type's number in ggml, its shape with the rows first, and the byte where it starts."""

    kind: int
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class GgufHeader:
    """What a file says of itself: `facts` (numbers, strings, lists of strings, arrays) and tensors by name."""

    facts: dict[str, Any]
    tensors: dict[str, GgufTensor]


def read_header(path: Path) -> GgufHeader:
    """Raises CandidateError on a file that is missing, of another format or version, truncated or forged."""
    with plain_file(path).open("rb") as file:
        reader = _Reader(file, path)
        if reader.take(4) != b"GGUF":
            raise CandidateError(f"{path} is no GGUF file")
        if (version := reader.number("<u4")) not in (2, 3):
            raise CandidateError(f"{path} is of GGUF version {version}, or big-endian; versions 2 and 3 are read")
        n_tensors, n_facts = reader.count(24), reader.count(13)
        facts = {}
        for _ in range(n_facts):
            name = reader.text()
            facts[name] = reader.value(reader.number("<u4"))
        placed = [_described(reader) for _ in range(n_tensors)]
        alignment = facts.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= _MOST_ALIGNMENT:
            raise CandidateError(f"{path} is aligned to {alignment!r} bytes, which makes no sense")
        first = -(-file.tell() // alignment) * alignment
    tensors = {name: GgufTensor(kind, shape, first + offset) for name, kind, shape, offset in placed}
    if len(tensors) < n_tensors:
        raise CandidateError(f"{path} names a tensor twice")
    return GgufHeader(facts, tensors)


def _described(reader: "_Reader") -> tuple[str, int, tuple[int, ...], int]:
    """Name, type, shape and offset of a tensor. The file has the fastest dimension first."""
    name, dimensions = reader.text(), reader.number("<u4")
    if dimensions > _MOST_DIMENSIONS:
        raise reader.forged(f"a tensor has {dimensions} dimensions")
    shape = tuple(reader.number("<u8") for _ in range(dimensions))[::-1]
    if prod(shape) > 1 << 62:
        raise reader.forged(f"a tensor has the shape {shape}")
    return name, reader.number("<u4"), shape, reader.number("<u8")


class _Reader:
    """Takes values from a file, and never more than it holds."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self._size = path.stat().st_size

    def forged(self, what: str) -> CandidateError:
        return CandidateError(f"{self._path} is a truncated or forged GGUF file: {what}")

    def take(self, count: int) -> bytes:
        found = self._file.read(count) if count <= self._size - self._file.tell() else b""
        if len(found) < count:
            raise self.forged("it ends in the middle of its header")
        return found

    def number(self, dtype: str) -> Any:
        return np.frombuffer(self.take(np.dtype(dtype).itemsize), dtype=dtype)[0].item()

    def count(self, least: int) -> int:
        """A number of things of at least so many bytes each."""
        count = int(self.number("<u8"))
        if count * least > self._size:
            raise self.forged(f"it would hold {count} entries")
        return count

    def text(self) -> str:
        length = self.number("<u8")
        if length > _MOST_STRING:
            raise self.forged(f"a name or text would have {length} bytes")
        return self.take(length).decode("utf-8", "surrogateescape")

    def value(self, kind: int, inside: bool = False) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY and not inside:
            item, length = self.number("<u4"), self.number("<u8")
            if length > _MOST_ITEMS:
                raise self.forged(f"a list would have {length} entries")
            if item < len(_SCALARS) and _SCALARS[item]:
                dtype = np.dtype(_SCALARS[item])
                return np.frombuffer(self.take(length * dtype.itemsize), dtype=dtype)
            return [self.value(item, inside=True) for _ in range(length)]
        if kind < len(_SCALARS) and _SCALARS[kind]:
            return self.number(_SCALARS[kind])
        raise self.forged(f"a value is of the unknown type {kind}")
