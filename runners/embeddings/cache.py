"""Embeddings that were computed once, by the SHA-256 of the text: one file, arrays only."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from probes.errors import KinprintError

Embeddings = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Embeddings]


def cached(texts: Sequence[str], path: Path, encode: Encode) -> Embeddings:
    """Embeddings of texts [n_texts, n_dimensions]; those that the file lacks are computed, and kept in it from then on.

    The file holds `keys` [n, 32] uint8 and `embeddings` [n, n_dimensions] float16, so that what comes out is rounded
    whether it was kept before or not. Raises KinprintError if the file is damaged.
    """
    known = _load(path)
    keys = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        computed = encode(list(missing.values())).astype(np.float16)
        known.update(zip(missing, computed, strict=True))
        _save(path, known)
    return np.array([known[key] for key in keys], dtype=np.float32)


def _load(path: Path) -> dict[bytes, npt.NDArray[np.float16]]:
    if not path.is_file():
        return {}
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
        return dict(zip(map(bytes, arrays["keys"]), arrays["embeddings"], strict=True))
    except (SafetensorError, KeyError, ValueError) as error:
        raise KinprintError(
            f"{path} is not a file of embeddings ({error}); delete it, it will be made again"
        ) from error


def _save(path: Path, known: dict[bytes, npt.NDArray[np.float16]]) -> None:
    """Write the file whole or not at all."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.partial")
    keys = np.frombuffer(b"".join(known), dtype=np.uint8).reshape(-1, 32)
    save_file({"keys": keys, "embeddings": np.stack(list(known.values()))}, unfinished)
    os.replace(unfinished, path)
