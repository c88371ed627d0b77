"""Weights that compressed-tensors has quantized to 4 or 8 bits, read as the numbers that they stand for.

Two of its formats (compressed-tensors 0.17): `int-quantized` keeps a matrix of signed bytes, `pack-quantized` eight
numbers of 4 bits in a word of 32, the first in the lowest bits, each stored with 8 added. Either is multiplied by
`weight_scale` [rows, groups of columns]. What has zero points too is left as it is, and so not compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.weights.safetensors_files import SafetensorsFiles

_IN_A_WORD = 8
_OFFSET = 8
_PARTS = ("weight_packed", "weight_shape", "weight_scale")

Shape = tuple[int, ...]


class UnpackedFiles:
    """The tensors of safetensors files, quantized matrices among them under the name that they had before."""

    def __init__(self, path: Path) -> None:
        self._files = SafetensorsFiles(path)
        self._matrices = dict(_quantized(self._files.stored_as))
        used = {f"{stem}.{part}" for name in self._matrices for stem in [_stem(name)] for part in _PARTS}
        self.shapes: Mapping[str, Shape] = {
            **{name: shape for name, shape in self._files.shapes.items() if name not in used},
            **self._matrices,
        }
        self.skipped = [name for name in self._files.skipped if name not in used and name not in self._matrices]

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """One tensor."""
        return self._files.read(name) if name not in self._matrices else self._unpacked(name)

    def rows(self, name: str, numbers: Sequence[int]) -> npt.NDArray[np.float32]:
        """Some rows [n, columns] of a matrix."""
        return self._files.rows(name, numbers) if name not in self._matrices else self._unpacked(name)[list(numbers)]

    def _unpacked(self, name: str) -> npt.NDArray[np.float32]:
        rows, columns = self._matrices[name]
        if name in self._files.stored_as:
            numbers = self._files.stored(name).astype(np.float32)
        else:
            words = self._files.stored(f"{_stem(name)}.weight_packed").view(np.uint32)
            nibbles = (words[:, :, None] >> (4 * np.arange(_IN_A_WORD, dtype=np.uint32))) & np.uint32(15)
            numbers = nibbles.reshape(rows, -1)[:, :columns].astype(np.float32) - np.float32(_OFFSET)
        scales = self._files.read(f"{_stem(name)}.weight_scale")
        grouped = numbers.reshape(rows, scales.shape[1], -1) * scales[:, :, None]
        unpacked: npt.NDArray[np.float32] = grouped.reshape(rows, columns)
        return unpacked


def _quantized(shapes: Mapping[str, tuple[str, Shape]]) -> Iterator[tuple[str, Shape]]:
    """The names and shapes of the matrices that are quantized in a way that is known and fits together."""
    for name, (dtype, scales) in shapes.items():
        stem, _, part = name.rpartition(".")
        if part != "weight_scale" or len(scales) != 2 or 0 in scales or dtype not in ("F32", "F16", "BF16"):
            continue
        if f"{stem}.weight_zero_point" in shapes:
            continue
        kind, stored = shapes.get(f"{stem}.weight", shapes.get(f"{stem}.weight_packed", ("", ())))
        columns = stored[1] * (_IN_A_WORD if kind == "I32" else 1) if len(stored) == 2 else 0
        if kind in ("I8", "I32") and columns and stored[0] == scales[0] and columns % scales[1] == 0:
            yield f"{stem}.weight", (stored[0], columns)


def _stem(name: str) -> str:
    return name.removesuffix(".weight")
