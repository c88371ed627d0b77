"""Very many made models on the shelves of a search index, and candidates of their families: no recordings are written.

What would be read from a recording is put together from what the real ones gave: packed signatures, and sketches, of
whose parts each is made once. So a hundred thousand take minutes, and some 12 GB.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.libraries.library import Member
from analysis.search.packed import Packed
from analysis.search.shelf import Entry, Shelf
from analysis.search.sketch import BUCKETS, greedy_coordinates, part, placed, prompt_numbers
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature
from runners.bench.made_models import Made, Population, perturbed

_ROWS = ("bins_known", "missing", "n_draws", "text", "length", "letters", "letter", "prompt_tokens", "chat", "answered")
_SEEN = ("next_token", "greedy", "wording", "tokenizer", "token_space")


@dataclass(frozen=True)
class Shaper:
    """Makes entries of a shelf from the real ones that stand first on it, in the order of the population's library."""

    population: Population
    shelf: Shelf

    @cached_property
    def _real(self) -> list[Packed]:
        rows = {self.shelf.member(row).name: row for row in range(len(self.population.library.members))}
        return [self.shelf.packed(rows[member.name]) for member in self.population.library.members]

    @cached_property
    def _size(self) -> int:
        return len(self.shelf.digests)

    @cached_property
    def _joined(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays of all real ones, one after the other, by row."""
        return {name: np.concatenate([one.arrays[name] for one in self._real]) for name in _ROWS}

    @cached_property
    def _bins(self) -> dict[str, npt.NDArray[Any]]:
        """Of all byte bins: where each row's start and how many they are, their numbers, masses, buckets and signs."""
        counts = np.concatenate([one.arrays["bin_counts"] for one in self._real]).astype(np.intp)
        index = np.concatenate([one.arrays["bin_index"] for one in self._real])
        prompts = np.tile(prompt_numbers(self.shelf.digests), len(self._real))
        buckets, signs = placed(np.repeat(prompts, counts), index.astype(np.uint64), BUCKETS["next_token"])
        mass = np.concatenate([one.arrays["bin_probability"] for one in self._real])
        starts = np.cumsum(counts) - counts
        return {"counts": counts, "starts": starts, "index": index, "mass": mass, "bucket": buckets, "sign": signs}

    @cached_property
    def _beginnings(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        """Buckets and signed values of each row's beginnings, 0 past its end: [n_rows, 24] each."""
        text, length = self._joined["text"], self._joined["length"]
        rows, features, values = greedy_coordinates(text, length)
        prompts = np.tile(prompt_numbers(self.shelf.digests), len(self._real))
        buckets, signs = placed(prompts[rows], features, BUCKETS["greedy"])
        place = np.concatenate([np.arange(count) for count in np.bincount(rows, minlength=len(text))])
        found, value = np.zeros(text.shape, np.intp), np.zeros(text.shape)
        found[rows, place], value[rows, place] = buckets, signs * values
        return found, value

    def entry(self, made: Made) -> Entry:
        """One made model, as if its recording had been read."""
        rows = made.rows * self._size + np.arange(self._size)
        bins, counts = self._bins, self._bins["counts"][rows]
        of = np.repeat(np.arange(self._size), counts)
        taken = np.repeat(bins["starts"][rows] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        rng = np.random.default_rng([3, made.seed])
        mass = perturbed(bins["mass"][taken], of, self._size, made.noise, rng)
        arrays = {name: values[rows] for name, values in self._joined.items()}
        arrays |= {"bin_counts": counts.astype(np.uint16), "bin_index": bins["index"][taken], "bin_probability": mass}
        next_token = np.bincount(bins["bucket"][taken], bins["sign"][taken] * np.sqrt(mass), BUCKETS["next_token"])
        places, values = self._beginnings
        greedy = np.bincount(places[rows].ravel(), values[rows].ravel(), BUCKETS["greedy"])
        tokenizer = part(arrays, "tokenizer", prompt_numbers(self.shelf.digests))
        sketched = np.concatenate([next_token, greedy, tokenizer]).astype(np.float32)
        member = Member(made.name, made.family, made.parent, "made", fit=False)
        return Entry(member, f"{made.seed:016x}", sketched, Packed(arrays).to_bytes())

    @cached_property
    def _as_seen(self) -> list[Signature]:
        """The real ones as the access of most candidates would see them."""
        library = self.population.library
        return library.signatures(library.members, self.shelf.digests, Access("topk", top_k=20))

    def candidate(self, made: Made) -> Signature:
        """A made model that nobody has put on the shelf, seen at tier `topk`."""
        rng, everyone, rows = np.random.default_rng([4, made.seed]), self._as_seen, np.arange(self._size)
        channels = {name: _rows_of([one.channels[name] for one in everyone], made.rows) for name in _SEEN}
        bins = channels["next_token"]["bins"]
        at, index = np.nonzero(bins)
        changed = perturbed(bins[at, index], at, self._size, made.noise, rng)
        bins[at, index] = changed * bins.sum(axis=1)[at]
        answered = np.array([everyone[real].answered[row] for real, row in zip(made.rows, rows, strict=True)])
        return replace(everyone[0], name=made.name, channels=channels, answered=answered, logits=None)


def _rows_of(sides: Sequence[dict[str, npt.NDArray[Any]]], real: npt.NDArray[np.intp]) -> dict[str, npt.NDArray[Any]]:
    """Row by row the arrays of one of several sides."""
    return {key: np.stack([sides[number][key][row] for row, number in enumerate(real.tolist())]) for key in sides[0]}
