"""The similarities of one candidate with packed signatures: the channels' own numbers, found where there is any mass.

What a channel computes over all byte bins and letters is computed here over those that the reference has, some thirty
of a thousand: what `analysis.channels` gives, but for rounding, several times as fast. Where either side is of a kind
that this does not cover (sampled answers on both sides, texts continued through chat) the channel itself is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.channels import all_channels
from analysis.channels.interface import CONTINUED
from analysis.channels.next_token import affinity_of_rest
from analysis.channels.tokenizer import usual
from analysis.search.packed import CHANNELS, Packed, as_bits
from analysis.signatures.byte_bins import N_BINS
from analysis.signatures.sampling_noise import mean_root
from analysis.signatures.signature import Signature

Values = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]
_NOWHERE = {"text": -1, "n_draws": 0, "letters": 0, "known": False, "chat": False, CONTINUED: False}
"""What stands at a canary that was not asked, where it is not NaN."""


@dataclass(frozen=True)
class Query:
    """A candidate's channels in the order of a shelf's prompts, n in all; nothing where it was not asked."""

    channels: Mapping[str, Arrays]
    size: int
    _expected: dict[int, Values] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, candidate: Signature, digests: Sequence[str]) -> Self:
        """The candidate as a shelf with these prompts sees it."""
        place = {digest: row for row, digest in enumerate(candidate.digests)}
        rows = np.array([place.get(digest, -1) for digest in digests], dtype=np.intp)
        fed = {name: candidate.channels[name] for name in CHANNELS if name in candidate.channels}
        return cls(
            {name: {key: _spread(key, value, rows) for key, value in arrays.items()} for name, arrays in fed.items()},
            len(digests),
        )

    def similarities(self, reference: Packed, channels: Sequence[str]) -> Values:
        """By channel and canary, as `analysis.kinship.pairing.Pairing.similarities`: [n_channels, n], NaN for none."""
        return np.stack([self._similarity(reference, name) for name in channels])

    def _similarity(self, reference: Packed, name: str) -> Values:
        if name not in self.channels or not reference.has(name):
            return np.full(self.size, np.nan)
        ours = self.channels[name]
        if name == "tokenizer":
            return usual(np.where(ours["chat"], np.nan, ours["prompt_tokens"] - reference.arrays["prompt_tokens"]))
        if CONTINUED not in ours:
            if name == "next_token" and not (ours["n_draws"].any() and reference.arrays["n_draws"].any()):
                return self._next_token(reference)
            if name == "greedy":
                return self._greedy(reference)
            if name == "wording" and "letter" in reference.arrays and self._bits is not None:
                return self._wording(reference)
        return all_channels()[name].similarity(ours, reference.channels[name])

    @cached_property
    def _total(self) -> Values:
        total: Values = self.channels["next_token"]["bins"].sum(axis=1, dtype=np.float64)
        return total

    def _next_token(self, reference: Packed) -> Values:
        ours, theirs, rows = self.channels["next_token"], reference.arrays, reference.rows
        q = theirs["bin_probability"]
        p = ours["bins"].ravel()[rows * N_BINS + theirs["bin_index"]]
        shared, matched, unmatched_q = (
            np.bincount(rows, mass, self.size) for mass in (np.sqrt(p * q), p, np.where(p == 0, q, 0))
        )
        unmatched_p = np.maximum(self._total - matched, 0)
        rest = affinity_of_rest(ours["missing"], unmatched_p, theirs["missing"], unmatched_q)
        affinity = (shared + rest) / self._sampled(reference)
        return np.where(theirs["bins_known"] & ~np.isnan(self._total), affinity, np.nan)

    def _sampled(self, reference: Packed) -> Values:
        """The affinity that sampling on one side leaves where both are one model: [n], 1 without sampling."""
        expected = np.ones(self.size)
        for draws in set(self.channels["next_token"]["n_draws"].tolist()) - {0}:
            q = reference.arrays["bin_probability"].astype(np.float64)
            own = np.bincount(reference.rows, mean_root(q, draws) * np.sqrt(q), self.size)
            expected = np.where(self.channels["next_token"]["n_draws"] == draws, own, expected)
        for draws in set(reference.arrays["n_draws"].tolist()) - {0}:
            if draws not in self._expected:
                p = self.channels["next_token"]["bins"].astype(np.float64)
                self._expected[draws] = (mean_root(p, draws) * np.sqrt(p)).sum(axis=1)
            expected = np.where(reference.arrays["n_draws"] == draws, self._expected[draws], expected)
        return np.clip(expected, 1e-3, None)

    def _greedy(self, reference: Packed) -> Values:
        ours, theirs = self.channels["greedy"], reference.arrays
        equal = np.logical_and.accumulate(ours["text"] == theirs["text"], axis=1).sum(axis=1)
        shorter, longer = np.minimum(ours["length"], theirs["length"]), np.maximum(ours["length"], theirs["length"])
        share = np.minimum(equal, shorter) / np.where(shorter > 0, shorter, 1)
        return np.where(np.isnan(shorter), np.nan, np.where(longer == 0, 1.0, share))

    @cached_property
    def _bits(self) -> tuple[npt.NDArray[np.uint8], Values] | None:
        """The candidate's letters as bits, and what each is worth; None where they are not all worth the same."""
        found = as_bits(self.channels["wording"]["letters"])
        return None if found is None else (found[0], found[1].astype(np.float64))

    def _wording(self, reference: Packed) -> Values:
        bits, worth = self._bits or (np.zeros(0, np.uint8), np.zeros(0))
        theirs = reference.arrays["letter"].astype(np.float64)
        cosine = np.clip(np.bitwise_count(bits & reference.arrays["letters"]).sum(axis=1) * worth * theirs, 0, 1)
        return np.where((worth > 0) & (theirs > 0), cosine, np.nan)


def _spread(key: str, values: npt.NDArray[Any], rows: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """The values [n_asked, ...] at `rows` [n], and nothing where a row is -1."""
    nothing = _NOWHERE.get(key, np.nan)
    kind = np.float64 if key == "prompt_tokens" else values.dtype
    found: npt.NDArray[Any] = np.full((len(rows), *values.shape[1:]), nothing, kind)
    found[rows >= 0] = values[rows[rows >= 0]]
    return found
