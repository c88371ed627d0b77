"""Models made up for the benchmark of scale: answers of real ones, resampled canary by canary, and perturbed.

A made family's base takes its answer to each canary from a real lineage drawn at random, so that two bases are as far
apart as real strangers mostly are. A member takes the base's answer, or, on a share of the canaries of its own, that of
another real model of the same family, and all its probabilities are perturbed: so it is as far from its base as
a fine-tune is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis.libraries.library import Library

Places = npt.NDArray[np.intp]
FAMILY_SIZE = 20
"""Members of a made family: hubs list from a few to thousands of derivatives of a base."""
NOISE = 0.25
"""Standard deviation of a log-probability's perturbation, at most."""


@dataclass(frozen=True)
class Made:
    """`rows` [n_canaries]: by number, the real model whose answer is taken; `noise`: nats, of its probabilities."""

    name: str
    family: str
    rows: Places
    noise: float
    seed: int

    @property
    def parent(self) -> str | None:
        """The base of its family; None for the base itself."""
        base = f"{self.family}-00"
        return None if self.name == base else base


@dataclass(frozen=True)
class Population:
    """Draws made models from the real ones of a library; the same number gives the same model."""

    library: Library

    @cached_property
    def _kin(self) -> tuple[Places, Places]:
        """Of each real model, those of its family, by number, again and again [n, n], and how many they are [n]."""
        families = np.array([member.family for member in self.library.members])
        kin = [np.flatnonzero(families == family) for family in families]
        return np.stack([np.resize(one, len(families)) for one in kin]), np.array([len(one) for one in kin])

    @cached_property
    def _lineages(self) -> list[Places]:
        """The real models of each lineage, by number."""
        of = np.array([self.library.lineage(member) for member in self.library.members])
        return [np.flatnonzero(of == lineage) for lineage in dict.fromkeys(of.tolist())]

    def models(self, first: int, end: int, n_canaries: int, size: int = FAMILY_SIZE) -> Iterator[Made]:
        """The made models of these numbers, answering so many canaries; `size` of them a family."""
        for number in range(first, end):
            yield self.model(number, n_canaries, size)

    def model(self, number: int, n_canaries: int, size: int = FAMILY_SIZE) -> Made:
        """One made model."""
        family, place = divmod(number, size)
        rows, own = self._base(family, n_canaries), np.random.default_rng([2, number])
        noise = 0.0
        if place:
            changed = own.random(n_canaries) < own.uniform(0.1, 0.9)
            rows = np.where(changed, self._other_kin(rows, own), rows)
            noise = float(own.uniform(0.05, NOISE))
        return Made(f"made-{family:05d}-{place:02d}", f"made-{family:05d}", rows, noise, number)

    def _base(self, family: int, n_canaries: int) -> Places:
        """The real models that a family's base takes its answers from: one of each lineage, canary by canary."""
        drawn = np.random.default_rng([1, family])
        bases = np.array([int(lineage[drawn.integers(len(lineage))]) for lineage in self._lineages], dtype=np.intp)
        found: Places = bases[drawn.integers(0, len(bases), n_canaries)]
        return found

    def _other_kin(self, rows: Places, own: np.random.Generator) -> Places:
        """For each canary, a real model of the same family as the one in its place."""
        kin, counts = self._kin
        found: Places = kin[rows, (own.random(len(rows)) * counts[rows]).astype(np.intp)]
        return found


def perturbed(
    probability: npt.NDArray[np.float32], rows: Places, n_rows: int, noise: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Probabilities [n], of row `rows` [n] each, times log-normal noise, every row summing to 1 again."""
    changed = probability * np.exp(noise * rng.standard_normal(len(probability), dtype=np.float32))
    total = np.bincount(rows, changed, n_rows)
    result: npt.NDArray[np.float32] = (changed / np.maximum(total, 1e-9)[rows]).astype(np.float32)
    return result
