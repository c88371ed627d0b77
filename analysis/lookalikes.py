"""Whether the lookalikes of a library are what they are for: really trained, and alike within their plan.

A plan (architecture, data and tokenizer) is the family of its seeds. They count if they beat a trigram model of the
same tokens on held-out text, and if two seeds of one plan are closer to each other than to any other plan's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analysis.channels import all_channels
from analysis.library import Library, Member
from analysis.signature import Signature

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
    signatures = dict(zip(members, library.signatures(members, sorted(prompts)), strict=True))
    plans = sorted({member.family for member in members})
    seeds = {plan: [member for member in members if member.family == plan] for plan in plans}
    return [_check(plan, seeds, signatures) for plan in plans if len(seeds[plan]) > 1]


def _check(plan: str, seeds: dict[str, list[Member]], signatures: dict[Member, Signature]) -> PlanCheck:
    own = [_affinity(signatures[one], signatures[other]) for one, other in combinations(seeds[plan], 2)]
    outside = {
        other: [_affinity(signatures[one], signatures[stranger]) for one in seeds[plan] for stranger in seeds[other]]
        for other in seeds
        if other != plan
    }
    nearest = max(outside, key=lambda other: max(outside[other]), default="")
    return PlanCheck(
        plan,
        len(seeds[plan]),
        _worst([member.bits_per_byte for member in seeds[plan]], max),
        _worst([member.trigram_bits_per_byte for member in seeds[plan]], min),
        float(np.mean(own)),
        min(own),
        nearest,
        max(outside[nearest]) if nearest else -np.inf,
    )


def _affinity(one: Signature, other: Signature) -> float:
    channel = all_channels()["next_token"]
    return float(np.nanmean(channel.similarity(one.channels[channel.name], other.channels[channel.name])))


def _worst(values: Sequence[float | None], worst: Callable[[Sequence[float]], float]) -> float:
    known = [value for value in values if value is not None]
    return worst(known) if len(known) == len(values) else float("nan")
