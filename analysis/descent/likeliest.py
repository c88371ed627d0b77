"""The likeliest tokens to come first by a model, and what is known of others: what top-20 access is compared on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.descent.aligned import after_prompts
from analysis.signatures.chosen_logits import hashed, last_logits
from analysis.signatures.first_tokens import first_tokens
from analysis.signatures.observation import Access
from analysis.signatures.unfed import Unfed
from probes.recording import Recording

Matrix = npt.NDArray[np.float64]
SHOWN = 20
"""Tokens a canary, at least, for a family: with 5 log loss was worse on lineages held out than without."""


def counts_at(access: Access) -> bool:
    """Whether an access shows enough of the likeliest tokens, and no logits that all are compared on."""
    return access.tier == "topk" and access.top_k >= SHOWN and not access.named


@dataclass(frozen=True)
class Likeliest:
    """Of one model: `tokens` [n_canaries, k], hashes of what its likeliest tokens spell, from the top, 0 for none; and
    their `logprobs`. `named` [n_named] are hashes of tokens that are known after every canary, `named_logprobs`
    [n_canaries, n_named] theirs, NaN for none.
    """

    tokens: npt.NDArray[np.uint64]
    logprobs: Matrix
    named: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    named_logprobs: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def take(self, places: npt.NDArray[np.intp]) -> Self:
        """The same of some canaries only, in the order given."""
        named = self.named_logprobs[places] if len(self.named) else self.named_logprobs
        return replace(self, tokens=self.tokens[places], logprobs=self.logprobs[places], named_logprobs=named)

    def of(self, names: npt.NDArray[np.uint64]) -> Matrix:
        """The logprobs of other tokens [n_canaries, k]. Of one that isn't known, the lowest of the likeliest, which it
        is at most; NaN after a canary that was not answered, and for no token."""
        found = self._likely(names)
        if len(self.named):
            place, there = _looked_up(self.named, names)
            named = np.take_along_axis(self.named_logprobs, place, axis=1)
            found = np.where(np.isnan(found) & there, named, found)
        lowest = np.where(self.tokens > 0, self.logprobs, np.inf).min(axis=1, keepdims=True)
        unknown = np.isnan(found) & (names > 0) & np.isfinite(lowest)
        return np.where(unknown, lowest, found)

    def _likely(self, names: npt.NDArray[np.uint64]) -> Matrix:
        place, there = _looked_up(_with_row(self.tokens).ravel(), _with_row(names))
        return np.where(there & (names > 0), self.logprobs.ravel()[place], np.nan)


def _looked_up(
    known: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Where each of the names `wanted` stands among those `known` [n], of which there is one at least, and whether it
    does: both of its shape."""
    order = np.argsort(known)
    place = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    return place, known[place] == wanted


def _with_row(tokens: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Names that differ from row to row, but for chance."""
    rows = np.arange(1, len(tokens) + 1, dtype=np.uint64)[:, None]
    return np.asarray(tokens * (2 * rows + np.uint64(1)) + rows)  # wraps around


def likeliest(recording: Recording, digests: Sequence[str]) -> Likeliest | None:
    """All that a recording keeps of them, on these prompts, and of named tokens; None at tier `text`."""
    first = first_tokens(recording)
    if first is None:
        return None
    numbers, inverse = np.unique(first.ids, return_inverse=True)
    names = hashed([first.spelled.get(number, b"") for number in numbers.tolist()])[inverse].reshape(first.ids.shape)
    place = {digest: row for row, digest in enumerate(digests)}
    tokens = np.zeros((len(digests), first.ids.shape[1]), np.uint64)
    logprobs = np.full(tokens.shape, -np.inf)
    for row, canary in enumerate(first.canary_index.tolist()):
        digest = recording.suite.canaries[canary].digest
        if digest in place:
            tokens[place[digest]], logprobs[place[digest]] = names[row], first.logprobs[row]
    found, chosen = Likeliest(tokens, logprobs), last_logits(recording)
    if isinstance(chosen, Unfed):
        return found
    return _with_named(found, chosen.tokens, after_prompts(recording, chosen, digests))


def _with_named(known: Likeliest, named: npt.NDArray[np.uint64], logits: npt.NDArray[np.float32]) -> Likeliest:
    """With named tokens' logits [n_canaries, n_named], each row up to a constant, which those show that are among the
    likeliest too; where none are, nothing is known of the named ones."""
    both = known._likely(np.broadcast_to(named, logits.shape)) - logits
    seen = np.isfinite(both).any(axis=1)
    offset = np.full((len(logits), 1), np.nan, np.float32)
    offset[seen, 0] = np.nanmedian(both[seen], axis=1)
    return replace(known, named=named, named_logprobs=logits + offset)
