"""A model on disk, read role by role."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from analysis.weights.architecture import Architecture, of_config, of_gguf
from analysis.weights.gguf_file import GgufFile
from analysis.weights.packed import UnpackedFiles
from analysis.weights.plain_file import json_object
from analysis.weights.roles import Key, Part, find_parts
from analysis.weights.tokens import tokens_of_folder, tokens_of_gguf
from probes.errors import CandidateError

Matrix = npt.NDArray[np.float32]
_MOST_LAYERS = 1000
_MOST_NUMBER = 1e6
"""Far beyond any weight; products of larger ones overflow."""


class Tensors(Protocol):
    """Where tensors come from; `skipped` are those that it can't read."""

    skipped: list[str]

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]: ...

    def read(self, name: str) -> Matrix: ...

    def rows(self, name: str, numbers: Sequence[int]) -> Matrix: ...


class StoredModel:
    """A model folder of transformers, a safetensors file, a GGUF file, or a folder that holds one of those.

    `parts` says where each role is, `not_compared` which tensors have none that is known. One tensor at a time is read.
    Raises CandidateError on files that can't be read or that hold no layers of a known layout.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._tensors, self.architecture, self._folder = _opened(self.path)
        self.parts, unknown = find_parts(self._tensors.shapes, self.architecture)
        self.not_compared = sorted([*unknown, *self._tensors.skipped])
        self.layers = sorted({key.layer for key in self.parts if key.layer is not None and key.role == "q"})
        if not self.layers:
            names = [name[:100] for name in self.not_compared[:3]]
            raise CandidateError(f"{path} holds no attention layer that its tensors' names tell, such as {names}")
        if len(self.layers) > _MOST_LAYERS:
            raise CandidateError(f"{path} has {len(self.layers):,} layers; at most {_MOST_LAYERS:,} are compared")

    @cached_property
    def tokens(self) -> dict[bytes, int]:
        """The row of the embedding that belongs to each token, by the token's bytes; empty where that isn't known."""
        if isinstance(self._tensors, GgufFile):
            return tokens_of_gguf(self._tensors.facts)
        return tokens_of_folder(self._folder)

    @property
    def parameters(self) -> int:
        """How many numbers are stored that can be read."""
        return sum(prod(shape) for shape in self._tensors.shapes.values())

    def __contains__(self, key: Key) -> bool:
        return key in self.parts

    def shape(self, role: str) -> tuple[int, ...] | None:
        """The shape of a role's matrix in the first layer, or outside of the layers."""
        part = self.parts.get(Key(role, self.layers[0])) or self.parts.get(Key(role))
        return part.shape if part is not None else None

    def read(self, key: Key) -> Matrix:
        """The matrix [outputs, inputs] or vector of a role. Raises CandidateError where a number is no weight."""
        part = self.parts[key]
        return _cut(self._sane(self._tensors.read(part.tensor), part), part)

    def embeddings(self, rows: Sequence[int]) -> Matrix:
        """Some rows [n, hidden] of the input embedding."""
        part = self.parts[Key("embedding")]
        return self._sane(self._tensors.rows(part.tensor, rows), part)

    def _sane(self, tensor: Matrix, part: Part) -> Matrix:
        if not (np.abs(tensor) <= _MOST_NUMBER).all():  # nor is nan
            raise CandidateError(f"{self.path} holds numbers in {part.tensor[:200]} that are not finite, or no weights")
        return tensor


def _opened(path: Path) -> tuple[Tensors, Architecture, Path]:
    """The tensors, what is known of their architecture, and the folder that a tokenizer would be in."""
    if path.is_dir():
        ggufs = sorted(path.glob("*.gguf"))
        if len(ggufs) == 1 and not any(path.glob("*.safetensors")):
            path = ggufs[0]
        elif not any(path.glob("*.safetensors*")):
            raise CandidateError(f"{path} holds no .safetensors file and not one .gguf file; it is no model folder")
    elif not path.is_file():
        raise CandidateError(f"there is no model at {path}; give a model folder, a .safetensors or a .gguf file")
    if path.suffix == ".gguf":
        file = GgufFile(path)
        return file, of_gguf(file.facts), path.parent
    folder = path if path.is_dir() else path.parent
    config = folder / "config.json"
    architecture = of_config(json_object(config)) if config.exists() else Architecture("unknown", None)
    return UnpackedFiles(path), architecture, folder


def _cut(tensor: Matrix, part: Part) -> Matrix:
    rest = tensor.shape[1:]
    cut = tensor
    if part.cut == "rows":
        cut = tensor[part.start : part.stop]
    elif part.cut == "expert":
        cut = tensor[part.start]
    elif part.cut == "neox":  # rows: head, then q, k or v, then dimension
        cut = tensor.reshape(part.of, 3, -1, *rest)[:, part.start].reshape(-1, *rest)
    elif part.cut == "rope":  # rows: head, dimension within a half, half
        cut = tensor.reshape(part.of, -1, 2, *rest).swapaxes(1, 2).reshape(-1, *rest)
    return cut
