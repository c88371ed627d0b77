"""Weights in a GGUF file, read tensor by tensor; quantized ones as the numbers that they stand for."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.weights.gguf_header import GgufTensor, read_header
from analysis.weights.plain_file import read_bytes
from probes.errors import CandidateError


class GgufFile:
    """The tensors of one file. `facts` are its metadata, `skipped` the tensors of a type that gguf can't read.

    Raises CandidateError where the file can't be read, or the gguf package is not installed.
    """

    def __init__(self, path: Path) -> None:
        if find_spec("gguf") is None:
            raise CandidateError(f"{path} needs the gguf package to be read: pip install gguf")
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

        header = read_header(path)
        self.facts, self.skipped = header.facts, list[str]()
        self._path = path
        self._tensors: dict[str, GgufTensor] = {}
        self._blocks: dict[int, tuple[int, int]] = {}  # numbers in a block, and its bytes
        for name, tensor in header.tensors.items():
            if not _readable(tensor.kind):
                self.skipped.append(name)
                continue
            kind = GGMLQuantizationType(tensor.kind)
            self._blocks[tensor.kind] = GGML_QUANT_SIZES[kind]
            self._check(name, tensor)
            self._tensors[name] = tensor

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Every tensor's shape, rows first."""
        return {name: tensor.shape for name, tensor in self._tensors.items()}

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """One tensor."""
        tensor = self._tensors[name]
        return self._numbers(tensor, 0, prod(tensor.shape)).reshape(tensor.shape)

    def rows(self, name: str, numbers: Sequence[int]) -> npt.NDArray[np.float32]:
        """Some rows [n, columns] of a matrix, without reading the others."""
        tensor = self._tensors[name]
        columns = tensor.shape[1]
        return np.stack([self._numbers(tensor, number * columns, columns) for number in numbers])

    def _numbers(self, tensor: GgufTensor, first: int, count: int) -> npt.NDArray[np.float32]:
        from gguf.constants import GGMLQuantizationType
        from gguf.quants import dequantize

        numbers, size = self._blocks[tensor.kind]
        raw = read_bytes(self._path, tensor.start + first // numbers * size, count // numbers * size)
        found: npt.NDArray[np.float32] = dequantize(raw, GGMLQuantizationType(tensor.kind))
        return found.astype(np.float32, copy=False)

    def _check(self, name: str, tensor: GgufTensor) -> None:
        numbers, size = self._blocks[tensor.kind]
        whole_rows = bool(tensor.shape) and tensor.shape[-1] % numbers == 0
        if not whole_rows or tensor.start + prod(tensor.shape) // numbers * size > self._path.stat().st_size:
            raise CandidateError(f"{self._path} places {name[:200]!r} outside of itself; it is truncated or forged")


@cache
def _readable(kind: int) -> bool:
    """Whether the gguf package turns numbers of this type into floating point."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
    from gguf.quants import dequantize

    try:
        found = GGMLQuantizationType(kind)
        dequantize(np.zeros(GGML_QUANT_SIZES[found][1], dtype=np.uint8), found)
    except (ValueError, NotImplementedError):
        return False
    return True
