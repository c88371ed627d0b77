"""Rows of numbers that are only ever appended: where a recording in the making keeps its arrays."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from probes.errors import RecordingError


class RowFile:
    """A file of raw rows [n, width]. Open it at the number of rows that count; what lies beyond is cut off."""

    def __init__(self, path: Path, width: int, dtype: str) -> None:
        self.path = path
        self.width = width
        self.dtype = np.dtype(dtype)
        self.count = 0

    @property
    def on_disk(self) -> int:
        """How many whole rows the file holds."""
        size = os.path.getsize(self.path) if self.path.exists() else 0
        return size // (self.width * self.dtype.itemsize) if self.width else 0

    def open(self, count: int) -> None:
        """Open for appending after the first `count` rows."""
        self.count = count
        self._file = open(self.path, "ab")  # noqa: SIM115  # closed by `close`
        self._file.truncate(count * self.width * self.dtype.itemsize)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def append(self, rows: npt.NDArray[np.floating[Any]]) -> int:
        """Add rows [n, width]; returns the number of the first."""
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise RecordingError(f"rows {rows.shape} do not fit {self.path}, which takes [n, {self.width}]")
        first = self.count
        self._file.write(np.ascontiguousarray(rows, dtype=self.dtype).tobytes())
        self._file.flush()
        self.count += len(rows)
        return first

    def read(self, places: list[int]) -> npt.NDArray[np.floating[Any]]:
        """The rows [n, width] at these places (memory-mapped, then gathered)."""
        if not places:
            return np.empty((0, self.width), self.dtype)
        stored = np.memmap(self.path, self.dtype, "r").reshape(-1, self.width)
        return np.asarray(stored[places])
