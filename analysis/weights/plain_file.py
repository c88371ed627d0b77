"""Files of strangers: which are opened at all, and how parts of them are read without believing what they say."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from probes.errors import CandidateError

_MOST_JSON = 256 << 20
"""Bytes of a JSON file; the largest tokenizers have some 30 million."""


def plain_file(path: Path) -> Path:
    """The path, if a plain file is there. Raises CandidateError otherwise.

    A link is refused, since a model from somewhere else could point it at anything; but one from a snapshot of the
    hub's cache into the blobs of the same repository is how that cache is made.
    """
    if path.is_symlink():
        blobs = path.parent.parent.parent / "blobs"
        if path.parent.parent.name != "snapshots" or path.resolve().parent != blobs.resolve():
            raise CandidateError(f"{path} is a link; put the file itself there, links are not followed")
    if not path.is_file():
        raise CandidateError(f"{path} is not there, or no plain file")
    return path


def json_object(path: Path) -> dict[str, Any]:
    """A JSON file whose outermost value is an object. Raises CandidateError."""
    if plain_file(path).stat().st_size > _MOST_JSON:
        raise CandidateError(f"{path} has more than {_MOST_JSON >> 20} MiB; no JSON file of a model is so large")
    return parsed_object(path.read_bytes(), path)


def parsed_object(text: bytes, path: Path) -> dict[str, Any]:
    """The object that the text is, which stands in the file `path`. Raises CandidateError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError is what is no UTF-8, no JSON, or an endless number
        raise CandidateError(f"{path} holds no JSON that can be read ({type(error).__name__})") from error
    if not isinstance(found, dict):
        raise CandidateError(f"{path} holds JSON, but no object")
    return found


def read_bytes(path: Path, start: int, count: int) -> npt.NDArray[np.uint8]:
    """So many bytes of a file from `start` on. Raises CandidateError where the file ends before."""
    with path.open("rb") as file:
        file.seek(start)
        found = np.fromfile(file, dtype=np.uint8, count=count)
    if len(found) < count:
        raise CandidateError(f"{path} ends in the middle of its weights; it is truncated")
    return found
