"""A library narrowed to the references nearest to one candidate: what `attribute` is given in its place."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.descent.likeliest import Likeliest
from analysis.kinship.pairing import Pairing
from analysis.libraries.library import Library, Member
from analysis.search.packed import CHANNELS, Packed
from analysis.search.shelf import Shelf
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature, align
from probes.recording import folder_name

SHOWN = 3
"""Families whose nearest member's recording is looked at as a whole: reading one takes longer than the search."""
Values = npt.NDArray[np.float64]
Learned = dict[tuple[object, ...], tuple[list[list[Values]], Values, dict[str, Any]]]


@dataclass(frozen=True)
class Compared:
    """Similarities [n_channels, n] of a candidate with one reference, on the prompts `digests` [n]."""

    channels: tuple[str, ...]
    digests: tuple[str, ...]
    similarity: Values


@dataclass(frozen=True)
class Narrowed(Library):
    """`panel`: the population; `whole` how many members each family of the whole library has.

    `packed`: signatures of members, by name, that are used in place of those of their recordings; `compared`: how the
    search found them to be like the candidate. `learned` is kept from one candidate to the next.
    """

    panel: Library = field(kw_only=True)
    whole: Mapping[str, int] = field(kw_only=True)
    packed: Mapping[str, Signature] = field(kw_only=True, repr=False)
    learned: Learned = field(kw_only=True, repr=False, compare=False)
    compared: Mapping[str, Compared] = field(kw_only=True, default_factory=dict, repr=False, compare=False)

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(self.whole)

    @property
    def population(self) -> tuple[Member, ...]:
        return self.panel.population

    @property
    def sizes(self) -> Mapping[str, int] | None:
        return self.whole

    def both_ways(self, digests: Sequence[str], access: Access) -> tuple[list[Signature], list[Signature]]:
        return self.panel.both_ways(digests, access)

    def roots(self, digests: Sequence[str], access: Access) -> tuple[list[str], list[Signature]]:
        return self.panel.roots(digests, access)

    def learn(self, pairing: Pairing, digests: Sequence[str], access: Access) -> None:
        """As the library does, and the same is not learned twice."""
        key = (self.panel.members, pairing.channels, tuple(digests), access)
        if key not in self.learned:
            self.panel.learn(pairing, digests, access)
            self.learned[key] = pairing.similarity_, pairing.background_, pairing.derived_
        pairing.similarity_, pairing.background_, pairing.derived_ = self.learned[key]

    def remind(self, pairing: Pairing, candidate: Signature, references: Sequence[Signature]) -> None:
        for reference in references:
            found = self.compared.get(reference.name)
            asked = candidate.digests, reference.digests
            if found is not None and asked == (found.digests,) * 2 and set(pairing.channels) <= set(found.channels):
                rows = [found.channels.index(name) for name in pairing.channels]
                pairing.remember(candidate, reference, found.similarity[rows])

    def prompts(self, member: Member) -> frozenset[str]:
        found = self.packed.get(member.name)
        return super().prompts(member) if found is None else frozenset(found.digests)

    def signature(self, member: Member, access: Access | None = None) -> Signature:
        found = self.packed.get(member.name) if access is None else None
        return super().signature(member, access) if found is None else found

    def vocabulary(self, member: Member) -> str | None:
        """Not known of those whose recordings are not read."""
        return None if member.name in self.packed else super().vocabulary(member)

    def likeliest(self, member: Member, digests: Sequence[str]) -> Likeliest | None:
        """Not known of those whose recordings are not read."""
        return None if member.name in self.packed else super().likeliest(member, digests)

    def shown(self, nearest: Sequence[Member], channels: Collection[str]) -> list[tuple[Member, Signature]]:
        """Of the nearest few families alone, and where the recordings are there."""
        there = [m for m in nearest[:SHOWN] if (self.folder / folder_name(m.name) / "manifest.json").is_file()]
        return super().shown(there, channels)


def unpacked(packed: Packed, member: Member, shelf: Shelf, candidate: Signature) -> Signature:
    """The signature of a member on the prompts of its shelf that the candidate was asked, in the candidate's order."""
    place = {digest: row for row, digest in enumerate(candidate.digests)}
    shared = [digest for digest in shelf.digests if digest in place]
    rows = [row for row, digest in enumerate(shelf.digests) if digest in place]
    channels = packed.channels
    if len(rows) < len(shelf.digests):
        channels = {name: {key: value[rows] for key, value in arrays.items()} for name, arrays in channels.items()}
    whole = Signature(
        name=member.name,
        access=Access("logits"),
        suite=candidate.suite,
        canaries=tuple(candidate.canaries[place[digest]] for digest in shared),
        channels=channels,
        answered=packed.arrays["answered"][rows],
        status_counts={},
        queries=0,
        tokens=0,
        seconds=0.0,
        digests=tuple(shared),
        unfed={name: "it was not recorded" for name in CHANNELS if not packed.has(name)},
    )
    asked = set(shared)
    order = [digest for digest in candidate.digests if digest in asked]
    return whole if order == shared else align([whole], order)[0]
