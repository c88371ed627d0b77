"""Weights in safetensors files, one or several, read tensor by tensor.

The numpy side of the safetensors library knows no bfloat16, which most models are stored in, and torch is not at hand
here. The format is simple enough: eight bytes of length, a JSON header with each tensor's type, shape and place, and
the numbers. Every number of a header is checked before it is used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.weights.plain_file import json_object, parsed_object, plain_file, read_bytes
from probes.errors import CandidateError

INDEX = "model.safetensors.index.json"
_ONE = "model.safetensors"
_MOST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors library itself."""
_DTYPES: dict[str, str] = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_INTEGERS = {"I8": "i1", "I32": "<i4"}
_MOST_DIMENSIONS = 8


@dataclass(frozen=True)
class _Place:
    file: Path
    start: int
    dtype: str
    shape: tuple[int, ...]


class SafetensorsFiles:
    """The tensors of a folder or of one file. Those of whole numbers are had as they are stored, others not at all.

    Raises CandidateError on files that are missing, malformed, truncated or outside of the folder.
    """

    def __init__(self, path: Path) -> None:
        self._places: dict[str, _Place] = {}
        self._others: list[str] = []
        for file in _files(path):
            for name, entry in _entries(file):
                if name in self._places:
                    raise CandidateError(f"{file} holds {name!r}, which another file of the model holds too")
                if entry is None:
                    self._others.append(name)
                else:
                    self._places[name] = entry

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of every tensor of floating point."""
        return {name: place.shape for name, place in self._places.items() if place.dtype in _DTYPES}

    @property
    def stored_as(self) -> Mapping[str, tuple[str, tuple[int, ...]]]:
        """Type and shape of every tensor that can be read, whole numbers among them."""
        return {name: (place.dtype, place.shape) for name, place in self._places.items()}

    @property
    def skipped(self) -> list[str]:
        """The tensors that are not of floating point."""
        return [*self._others, *(name for name, place in self._places.items() if place.dtype in _INTEGERS)]

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """One tensor."""
        place = self._places[name]
        return _numbers(place, 0, prod(place.shape)).reshape(place.shape)

    def stored(self, name: str) -> npt.NDArray[np.integer]:
        """A tensor of whole numbers."""
        place = self._places[name]
        dtype = np.dtype(_INTEGERS[place.dtype])
        raw = read_bytes(place.file, place.start, prod(place.shape) * dtype.itemsize)
        return raw.view(dtype).reshape(place.shape)

    def rows(self, name: str, numbers: Sequence[int]) -> npt.NDArray[np.float32]:
        """Some rows [n, columns] of a matrix, without reading the others."""
        place = self._places[name]
        columns = place.shape[1]
        return np.stack([_numbers(place, number * columns, columns) for number in numbers])


def _numbers(place: _Place, start: int, count: int) -> npt.NDArray[np.float32]:
    dtype = np.dtype(_DTYPES[place.dtype])
    raw = read_bytes(place.file, place.start + start * dtype.itemsize, count * dtype.itemsize).view(dtype)
    if place.dtype == "BF16":  # the upper half of a float32
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(np.float32)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [plain_file(path)]
    if not (path / INDEX).exists():
        return [plain_file(path / _ONE)]
    weight_map = json_object(path / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CandidateError(f"{path / INDEX} has no weight_map; the files of the model are not known")
    names = {str(name) for name in weight_map.values()}
    for name in names:
        if Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise CandidateError(f"{path / INDEX} names {name[:200]!r}; only .safetensors files beside it are read")
    return [plain_file(path / name) for name in sorted(names)]


def _entries(file: Path) -> Iterator[tuple[str, _Place | None]]:
    size = file.stat().st_size
    length = int.from_bytes(read_bytes(file, 0, 8).tobytes(), "little") if size >= 8 else _MOST_HEADER + 1
    if length > min(_MOST_HEADER, size - 8):
        raise CandidateError(f"{file} is no safetensors file: its header would be longer than what may follow it")
    for name, entry in parsed_object(read_bytes(file, 8, length).tobytes(), file).items():
        if name != "__metadata__":
            yield name, _place(file, name, entry, 8 + length, size)


def _place(file: Path, name: str, entry: Any, first: int, size: int) -> _Place | None:
    """Where a tensor's numbers are; None for numbers of another type. Raises CandidateError on an impossible place."""
    known = entry if isinstance(entry, dict) else {}
    dtype, shape, offsets = known.get("dtype"), _whole(known.get("shape")), _whole(known.get("data_offsets"))
    if not isinstance(dtype, str) or shape is None or offsets is None or len(offsets) != 2:
        raise CandidateError(f"{file} describes {name[:200]!r} in a way that no safetensors file does")
    start, end = first + offsets[0], first + offsets[1]
    if not start <= end <= size:
        raise CandidateError(f"{file} places {name[:200]!r} outside of itself; it is truncated or forged")
    if dtype not in _DTYPES | _INTEGERS:
        return None
    if prod(shape) * np.dtype((_DTYPES | _INTEGERS)[dtype]).itemsize != end - start:
        raise CandidateError(f"{file} gives {name[:200]!r} the shape {shape}, which its numbers do not fill")
    return _Place(file, start, dtype, shape)


def _whole(value: Any) -> tuple[int, ...] | None:
    """A short list of whole numbers from 0; None for anything else."""
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS:
        return None
    return tuple(value) if all(type(one) is int and one >= 0 for one in value) else None
