"""Reduced recordings: a declared form of the logits that is small enough to ship, and can be scored at every tier.

Kept of every canary's first token: the byte-wise distribution (bins of at least `FLOOR`), the likeliest tokens
with their logprobs, the centred logits of some tokens (probes.chosen_tokens), and a sketch (random signs from a
fixed seed; Johnson and Lindenstrauss 1984, Achlioptas 2003) of all centred logits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.signatures.byte_bins import VERSION
from analysis.signatures.first_tokens import TOP_TOKENS, FirstTokens, first_tokens
from probes.chosen_tokens import COMMON, chosen_tokens
from probes.errors import RecordingError
from probes.recording import REDUCED, Recording, save_recording
from probes.spelling import hash_of, join_bytes, split_bytes

FLOOR = 1e-5
SUBSET = len(COMMON) + 256
SKETCH = 128
SEED = 20_250_101


@dataclass(frozen=True)
class Reduction:
    """How much is kept: bins of at least `floor`, the `top` likeliest tokens, the logits of `subset` tokens in 16 or 8
    `bits`, a sketch of `sketch` numbers.

    With `shared_suite` the canaries are not kept in the recording's own folder, but once for all beside it.
    """

    floor: float = FLOOR
    top: int = TOP_TOKENS
    subset: int = SUBSET
    bits: Literal[8, 16] = 16
    sketch: int = SKETCH
    shared_suite: bool = False


SMALL = Reduction(floor=2e-3, top=48, subset=len(COMMON), bits=8, sketch=0, shared_suite=True)
"""For libraries of many members: a third of a megabyte each, of the suite `core`."""


def reduce_recording(recording: Recording, folder: Path, keep: Reduction | None = None) -> Recording:
    """Write the reduced form of a recording with full logits into `folder`, and return it.

    `keep` None: as the library in the package has it. Raises RecordingError if the recording has no full logits.
    """
    keep = keep or Reduction()
    first, full = first_tokens(recording), recording.logits
    if first is None or first.bins is None or full is None:
        raise RecordingError(f"{recording.folder} has no full logits to reduce; collect it with tier=logits")
    logits = full["logits"]
    offsets, index, probability = _sparse(first.bins, keep.floor)
    ids = np.unique(first.ids[:, : keep.top]).astype(np.int32)
    token_bytes, token_offsets = join_bytes([first.spelled[number] for number in ids.tolist()])
    spelled = split_bytes(full["token_bytes"], full["token_offsets"])
    subset = chosen_tokens(spelled, keep.subset)
    centred = logits - logits.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    arrays: dict[str, npt.NDArray[Any]] = {
        "canary_index": first.canary_index.astype(np.int32),
        "bin_offsets": offsets,
        "bin_index": index,
        "bin_probability": probability,
        **_likeliest(first, ids, keep.top),
        "token_ids": ids,
        "token_bytes": token_bytes,
        "token_offsets": token_offsets,
        "subset_ids": subset,
        "subset_tokens": np.array([hash_of(spelled[number]) for number in subset.tolist()], np.uint64),
        **_rounded(centred[:, subset], keep.bits),
        "sketch": _sketch(centred, keep.sketch).astype(np.float16),
    }
    declared = {
        "bins": VERSION,
        "bin_floor": keep.floor,
        "top_tokens": min(keep.top, first.ids.shape[1]),
        "subset": len(subset),
        "sketch": keep.sketch,
        "seed": SEED,
        "dtype": "float16" if keep.bits == 16 else "uint8, from the lowest of a row in steps of its own",
        "full_logits_sha256": recording.manifest.files["logits.safetensors"],
    }
    manifest = replace(recording.manifest, reduced=declared)
    answers = [replace(answer, token_ids=None, token_bytes=None, latency_ms=None) for answer in recording.answers]
    shared = keep.shared_suite
    return save_recording(folder, manifest, recording.suite, answers, {REDUCED: arrays}, shared_suite=shared)


def scattered_subset(vocab_size: int, size: int = 256) -> npt.NDArray[np.int64]:
    """The token ids that references hold which were reduced before tokens were chosen by spelling: [size], in order."""
    return np.sort(np.random.default_rng(SEED).permutation(vocab_size)[:size]).astype(np.int64)


def _sparse(
    bins: npt.NDArray[np.float32], floor: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16], npt.NDArray[np.float16]]:
    """Bins [n, N_BINS] of at least `floor`, row after row: offsets [n + 1], bin numbers, probabilities."""
    rows, columns = np.nonzero(bins >= floor)
    counts = np.bincount(rows, minlength=len(bins))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return offsets, columns.astype(np.uint16), bins[rows, columns].astype(np.float16)


def _likeliest(first: FirstTokens, kept: npt.NDArray[np.int32], top: int) -> dict[str, npt.NDArray[Any]]:
    """Places of the likeliest tokens among those kept, and their logprobs: [n, top]."""
    places = np.searchsorted(kept, first.ids[:, :top])
    small = np.uint16 if len(kept) <= np.iinfo(np.uint16).max else np.uint32
    return {"top_index": places.astype(small), "top_logprobs": first.logprobs[:, :top].astype(np.float16)}


def _rounded(logits: npt.NDArray[np.float32], bits: int) -> dict[str, npt.NDArray[Any]]:
    """Logits [n, subset] as 16-bit numbers, or as steps of each row's own between its lowest and its highest."""
    if bits == 16:
        return {"subset_logits": logits.astype(np.float16)}
    low = logits.min(axis=1, keepdims=True)
    step = np.maximum(logits.max(axis=1, keepdims=True) - low, np.finfo(np.float32).tiny) / 255
    steps = np.rint((logits - low) / step).astype(np.uint8)
    return {"subset_steps": steps, "subset_low": low.astype(np.float32), "subset_step": step.astype(np.float32)}


def subset_logits(arrays: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """The centred logits of the subset that a reduced recording holds: [n, subset]."""
    if "subset_logits" in arrays:
        return arrays["subset_logits"].astype(np.float32)
    logits: npt.NDArray[np.float32] = arrays["subset_low"] + arrays["subset_step"] * arrays["subset_steps"]
    return logits


def _sketch(centred: npt.NDArray[np.floating[Any]], size: int) -> npt.NDArray[np.float32]:
    """Project centred logits [n, vocab_size] on `size` random sign vectors: [n, size]."""
    generator = np.random.default_rng(SEED)
    sketch = np.zeros((len(centred), size), dtype=np.float32)
    for start in range(0, centred.shape[1], 4096):  # in blocks, so that no sign matrix of the whole vocabulary exists
        block = centred[:, start : start + 4096].astype(np.float32)
        signs = generator.integers(0, 2, (block.shape[1], size), dtype=np.int8) * 2 - 1
        sketch += block @ signs.astype(np.float32)
    result: npt.NDArray[np.float32] = sketch / np.sqrt(max(size, 1))
    return result
