"""The distribution of the first generated token, read alike from full, reduced and top-k recordings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.signatures.byte_bins import N_BINS, bins_of
from probes.answer import Answer
from probes.errors import RecordingError
from probes.recording import Recording
from probes.spelling import split_bytes

TOP_TOKENS = 96
"""How many of the likeliest tokens are kept of a full distribution."""
_MOST_PROBABILITY = 1.05  # what probabilities may sum to: engines compute in low precision


@dataclass(frozen=True)
class FirstTokens:
    """First-token distributions of the canaries that gave one, n in all.

    `canary_index` [n]: their places in the suite. `ids`, `logprobs` [n, k]: the likeliest tokens, in descending
    order, -1 and -inf where a row has fewer. `spelled`: bytes of every token id in `ids`. `bins` [n, N_BINS]: the
    byte-wise distribution over the whole vocabulary, or None where only the top k are known.
    """

    canary_index: npt.NDArray[np.intp]
    ids: npt.NDArray[np.int64]
    logprobs: npt.NDArray[np.float64]
    spelled: dict[int, bytes]
    bins: npt.NDArray[np.float32] | None


def first_tokens(recording: Recording) -> FirstTokens | None:
    """Read the first-token distributions of a recording; None at tier `text`."""
    if recording.reduced is not None:
        return _from_reduced(recording.reduced)
    if recording.logits is not None:
        return _from_logits(recording, recording.logits)
    return _from_topk(recording)


def log_softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Logprobs in nats of logits [..., vocab_size]."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    normalised: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normalised


def answered(recording: Recording) -> npt.NDArray[np.intp]:
    """Places in the suite of the canaries with a usable greedy answer, which are the rows of the logits: [n]."""
    return np.array([i for i, c in enumerate(recording.suite.canaries) if c.id in recording.greedy], dtype=np.intp)


def _from_logits(recording: Recording, arrays: dict[str, npt.NDArray[Any]]) -> FirstTokens:
    logits, index = arrays["logits"], answered(recording)
    if len(logits) != len(index):
        raise RecordingError(f"{recording.folder} has {len(logits)} rows of logits for {len(index)} answers")
    spelled = split_bytes(arrays["token_bytes"], arrays["token_offsets"])
    vocabulary_bins = bins_of(spelled)
    k = min(TOP_TOKENS, logits.shape[1])
    ids, logprobs = np.empty((len(index), k), np.int64), np.empty((len(index), k))
    bins = np.empty((len(index), N_BINS), np.float32)
    for row in range(len(index)):  # one row at a time, which stays in the processor's cache
        values = logits[row].astype(np.float32)
        highest = values.max()
        if not np.isfinite(highest):
            raise RecordingError(
                f"{recording.folder} holds logits that are not numbers (NaN or infinite); record it again"
            )
        values -= highest
        weights = np.exp(values)
        total = weights.sum(dtype=np.float64)
        top = np.flatnonzero(values >= np.partition(values, -k)[-k])
        ids[row] = top[np.argsort(-values[top], kind="stable")[:k]]
        logprobs[row] = values[ids[row]] - np.log(total)
        bins[row] = np.bincount(vocabulary_bins, weights, N_BINS) / total
    return FirstTokens(index, ids, logprobs, {i: spelled[i] for i in np.unique(ids).tolist()}, bins)


def _from_reduced(arrays: dict[str, npt.NDArray[Any]]) -> FirstTokens:
    index = arrays["canary_index"].astype(np.intp)
    bins = np.zeros((len(index), N_BINS), np.float32)
    rows = np.repeat(np.arange(len(index)), np.diff(arrays["bin_offsets"]))
    bins[rows, arrays["bin_index"]] = arrays["bin_probability"]
    bins /= bins.sum(axis=1, keepdims=True)
    spelled = split_bytes(arrays["token_bytes"], arrays["token_offsets"])
    return FirstTokens(
        index,
        (arrays["top_ids"] if "top_ids" in arrays else arrays["token_ids"][arrays["top_index"]]).astype(np.int64),
        arrays["top_logprobs"].astype(np.float64),
        dict(zip(arrays["token_ids"].tolist(), spelled, strict=True)),
        bins,
    )


def _from_topk(recording: Recording) -> FirstTokens | None:
    rows = [(i, recording.with_logprobs.get(canary.id)) for i, canary in enumerate(recording.suite.canaries)]
    given = [(i, _checked(recording, answer)) for i, answer in rows if answer is not None and answer.topk_logprobs]
    if not given:
        return None
    k = max(len(top) for _, top in given)
    # Where endpoints name no ids, the spellings are numbered, which is all that ids are needed for here.
    named = all(number is not None for _, top in given for number, _, _ in top)
    spellings = sorted({spelled for _, top in given for _, spelled, _ in top})
    names = {spelled: number for number, spelled in enumerate(spellings)}
    ids, values = np.full((len(given), k), -1, np.int64), np.full((len(given), k), -np.inf)
    spelled_by_id: dict[int, bytes] = {}
    for row, (_, top) in enumerate(given):
        for place, (number, spelled, logprob) in enumerate(top):
            ids[row, place] = number if named and number is not None else names[spelled]
            values[row, place] = logprob
            spelled_by_id[int(ids[row, place])] = spelled
    return FirstTokens(np.array([i for i, _ in given], dtype=np.intp), ids, values, spelled_by_id, None)


def _checked(recording: Recording, answer: Answer) -> list[tuple[int | None, bytes, float]]:
    """The likeliest tokens: id where known, bytes, logprob. Raises RecordingError if they make no sense."""
    logprobs, spelled = answer.topk_logprobs or (), answer.topk_bytes or ()
    ids = answer.topk_ids if answer.topk_ids is not None else (None,) * len(spelled)
    total = float(np.exp(np.minimum(logprobs, 99)).sum())
    if not len(ids) == len(spelled) == len(logprobs) or not total <= _MOST_PROBABILITY:
        raise RecordingError(f"{recording.folder} has top-k answers that are incomplete or not numbers (NaN, above 1)")
    return list(zip(ids, spelled, logprobs, strict=True))
