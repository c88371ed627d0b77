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
from analysis.channels.greedy import share_of_shorter
from analysis.channels.interface import CONTINUED
from analysis.channels.next_token import affinity_of_rest
from analysis.channels.tokenizer import usual
from analysis.search.packed import CHANNELS, Packed, as_bits
from analysis.signatures.byte_bins import N_BINS
from analysis.signatures.sampling_noise import mean_root
from analysis.signatures.signature import Signature

Values = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]
TOGETHER = 8
"""References compared at a time: for one, most of the time would be calls; for dozens, more is touched than cached."""
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

    def similarities(self, references: Sequence[Packed], channels: Sequence[str]) -> Values:
        """By channel and canary, as `analysis.kinship.pairing.Pairing.similarities`: [n_references, n_channels, n],
        NaN for none."""
        found = np.full((len(references), len(channels), self.size), np.nan)
        for start in range(0, len(references), TOGETHER):
            self._fill(found[start : start + TOGETHER], references[start : start + TOGETHER], channels)
        return found

    def _fill(self, found: Values, references: Sequence[Packed], channels: Sequence[str]) -> None:
        for column, name in enumerate(channels):
            fed = [row for row, one in enumerate(references) if one.has(name)] if name in self.channels else []
            quick = [row for row in fed if self._covered(name, references[row])]
            if quick:
                found[quick, column] = _COVERED[name](self, [references[row] for row in quick])
            for row in sorted(set(fed) - set(quick)):
                channel = all_channels()[name]
                found[row, column] = channel.similarity(self.channels[name], references[row].channels[name])

    def _covered(self, name: str, reference: Packed) -> bool:
        ours = self.channels[name]
        if name == "next_token" and ours["n_draws"].any() and reference.arrays["n_draws"].any():
            return False
        if name == "wording" and ("letter" not in reference.arrays or self._bits is None):
            return False
        return CONTINUED not in ours

    @cached_property
    def _total(self) -> Values:
        total: Values = self.channels["next_token"]["bins"].sum(axis=1, dtype=np.float64)
        return total

    def _next_token(self, references: Sequence[Packed]) -> Values:
        ours, theirs = self.channels["next_token"], _stacked(references, "bins_known", "missing", "n_draws")
        bins = _Bins.of(references)
        q = bins.probability
        p = np.take(
            ours["bins"], np.repeat(np.tile(np.arange(self.size) * N_BINS, len(references)), bins.counts) + bins.index
        )
        shared, matched, unmatched_q = map(bins.sums, (np.sqrt(p * q), p, np.where(p == 0, q, np.float32(0))))
        unmatched_p = np.maximum(self._total - matched, 0)
        rest = affinity_of_rest(ours["missing"], unmatched_p, theirs["missing"], unmatched_q)
        affinity = (shared + rest) / self._sampled(bins, theirs["n_draws"])
        return np.where(theirs["bins_known"] & ~np.isnan(self._total), affinity, np.nan)

    def _sampled(self, bins: "_Bins", theirs: npt.NDArray[np.int64]) -> Values:
        """The affinity that sampling on one side leaves where both are one model: [n_references, n], 1 without any."""
        expected = np.ones(theirs.shape)
        for draws in set(self.channels["next_token"]["n_draws"].tolist()) - {0}:
            mass = bins.probability.astype(np.float64)
            own = bins.sums(mean_root(mass, draws) * np.sqrt(mass))
            expected = np.where(self.channels["next_token"]["n_draws"] == draws, own, expected)
        for draws in set(np.unique(theirs).tolist()) - {0}:
            if draws not in self._expected:
                p = self.channels["next_token"]["bins"].astype(np.float64)
                self._expected[draws] = (mean_root(p, draws) * np.sqrt(p)).sum(axis=1)
            expected = np.where(theirs == draws, self._expected[draws], expected)
        return np.clip(expected, 1e-3, None)

    def _greedy(self, references: Sequence[Packed]) -> Values:
        ours, theirs = self.channels["greedy"], _stacked(references, "text", "length")
        equal = np.logical_and.accumulate(ours["text"] == theirs["text"], axis=2).sum(axis=2)
        return share_of_shorter(equal, ours["length"], theirs["length"])

    @cached_property
    def _bits(self) -> tuple[npt.NDArray[np.uint8], Values] | None:
        """The candidate's letters as bits, and what each is worth; None where they are not all worth the same."""
        found = as_bits(self.channels["wording"]["letters"])
        return None if found is None else (found[0], found[1].astype(np.float64))

    def _wording(self, references: Sequence[Packed]) -> Values:
        bits, worth = self._bits or (np.zeros(0, np.uint8), np.zeros(0))
        theirs = _stacked(references, "letters", "letter")
        letter = theirs["letter"].astype(np.float64)
        cosine = np.clip(np.bitwise_count(bits & theirs["letters"]).sum(axis=2) * worth * letter, 0, 1)
        return np.where((worth > 0) & (letter > 0), cosine, np.nan)

    def _tokenizer(self, references: Sequence[Packed]) -> Values:
        ours, theirs = self.channels["tokenizer"], _stacked(references, "prompt_tokens")
        return usual(np.where(ours["chat"], np.nan, ours["prompt_tokens"] - theirs["prompt_tokens"]))


_COVERED = {
    "next_token": Query._next_token,
    "greedy": Query._greedy,
    "wording": Query._wording,
    "tokenizer": Query._tokenizer,
}


@dataclass(frozen=True)
class _Bins:
    """The byte bins of several references, one cell [n_references * n] after the other: how many of them each has, and
    their numbers and masses [nnz]."""

    shape: tuple[int, int]
    counts: npt.NDArray[np.intp]
    index: npt.NDArray[np.uint16]
    probability: npt.NDArray[np.float32]

    @classmethod
    def of(cls, references: Sequence[Packed]) -> Self:
        counts, index, probability = (
            np.concatenate([one.arrays[key] for one in references])
            for key in ("bin_counts", "bin_index", "bin_probability")
        )
        return cls((len(references), len(counts) // len(references)), counts.astype(np.intp), index, probability)

    def sums(self, values: npt.NDArray[np.floating]) -> Values:
        """Values of the bins [nnz], summed by cell: [n_references, n]."""
        starts = np.cumsum(self.counts) - self.counts
        there = self.counts > 0  # of a cell without any, numpy would give the next one's first
        sums = np.zeros(len(self.counts))
        sums[there] = np.add.reduceat(values, starts[there], dtype=np.float64) if there.any() else 0
        return sums.reshape(self.shape)


def _stacked(references: Sequence[Packed], *keys: str) -> Arrays:
    """Arrays of several references, one after the other: [n_references, n, ...]."""
    return {key: np.stack([one.arrays[key] for one in references]) for key in keys}


def _spread(key: str, values: npt.NDArray[Any], rows: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """The values [n_asked, ...] at `rows` [n], and nothing where a row is -1."""
    nothing = _NOWHERE.get(key, np.nan)
    kind = np.float64 if key == "prompt_tokens" else values.dtype
    found: npt.NDArray[Any] = np.full((len(rows), *values.shape[1:]), nothing, kind)
    found[rows >= 0] = values[rows[rows >= 0]]
    return found
