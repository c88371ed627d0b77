"""Whether the lookalikes of a library are what they are for: really trained, and alike within their plan.

A plan (architecture, data and tokenizer) is the family of its seeds. They count if they beat a trigram model of the
same tokens on held-out text, and if two seeds of one plan are closer to each other than to any other plan's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.kinship.similarities import similarities
from analysis.libraries.library import Library, Member

KIND = "lookalike"


@dataclass(frozen=True)
class PlanCheck:
    """One plan: how many `seeds`, the worst of their `bits_per_byte` beside the `trigram`'s (NaN: not known), and the
    mean next-token affinity of `two_seeds`, with the least and the most of any `other` plan's."""

    plan: str
    seeds: int
    bits_per_byte: float
    trigram: float
    two_seeds: float
    two_seeds_least: float
    other: str
    other_most: float

    @property
    def counts(self) -> bool:
        """Whether every seed beats the trigram model, and any two seeds are closer than any seed and an outsider."""
        return self.bits_per_byte < self.trigram and self.two_seeds_least > self.other_most


def check_lookalikes(library: Library) -> list[PlanCheck]:
    """One check a plan of which the library has at least two seeds, on the prompts that all members were asked."""
    members = [member for member in library.members if member.kind == KIND]
    if not members:
        return []
    prompts = frozenset.intersection(*(library.prompts(member) for member in members))
    signatures = library.signatures(members, sorted(prompts))
    affinities = np.nanmean(similarities(signatures, signatures, ["next_token"])[0], axis=-1)
    families = np.array([member.family for member in members])
    plans, seeds = np.unique(families, return_counts=True)
    return [_check(plan, members, families, affinities) for plan in plans[seeds > 1].tolist()]


def _check(
    plan: str, members: Sequence[Member], families: npt.NDArray[np.str_], affinities: npt.NDArray[np.floating]
) -> PlanCheck:
    """`affinities` [n_members, n_members], of which `families` [n_members] tells the plans."""
    own = affinities[np.ix_(families == plan, families == plan)]
    own = own[np.triu_indices(len(own), 1)]
    outside = affinities[np.ix_(families == plan, families != plan)]
    nearest = families[families != plan][outside.max(axis=0).argmax()] if outside.size else ""
    seeds = [member for member in members if member.family == plan]
    return PlanCheck(
        plan,
        len(seeds),
        _worst([member.bits_per_byte for member in seeds], max),
        _worst([member.trigram_bits_per_byte for member in seeds], min),
        float(own.mean()),
        float(own.min()),
        str(nearest),
        float(outside.max()) if outside.size else -np.inf,
    )


def _worst(values: Sequence[float | None], worst: Callable[[Sequence[float]], float]) -> float:
    known = [value for value in values if value is not None]
    return worst(known) if len(known) == len(values) else float("nan")
