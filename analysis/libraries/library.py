"""A library of reference models: recordings of known lineage, and an index that says what each one is."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from analysis.descent.likeliest import Likeliest, likeliest
from analysis.kinship.pairing import Pairing
from analysis.libraries.lineage import Lineage
from analysis.libraries.member import Member as Member
from analysis.libraries.member import lineage_of as lineage_of
from analysis.signatures.chosen_logits import vocabulary_of
from analysis.signatures.observation import Access, access_of
from analysis.signatures.signature import Signature, align, prompts_asked, signature
from probes.errors import LibraryError
from probes.fresh import is_fresh
from probes.manifest import TIERS
from probes.recording import Recording, folder_name, load_recording
from probes.write_whole import write_whole

SHIPPED = Path(__file__).parents[1] / "references"
ZOO = Path(__file__).parents[1] / "zoo"
INDEX = "library.json"
SCHEMA = 1
UNKNOWN = "unknown"
REFERENCES = ("base", "lookalike", "sibling")
"""Roles of models that others may descend from."""
TAUGHT = ("student", "framed")
"""Roles of models that learned from another one's outputs, and share no weights with it."""


@dataclass(frozen=True)
class Library:
    """References under one folder. Raises LibraryError if there are none."""

    folder: Path
    version: str
    members: tuple[Member, ...]
    _signatures: dict[tuple[str, Access], Signature] = field(default_factory=dict, repr=False, compare=False)
    _opened: dict[str, "_Opened"] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.members:
            raise LibraryError(f"the library at {self.folder} has no references left; add some or leave out fewer")

    @classmethod
    def load(cls, folder: str | Path = SHIPPED) -> Self:
        """Open the library in a folder; by default the one inside the package."""
        path = Path(folder) / INDEX
        if not path.is_file():
            raise LibraryError(f"there is no library at {folder} (no {INDEX}); make one with 'kinprint library build'")
        try:
            index = json.loads(path.read_text("utf-8"))
            members = tuple(Member.of_entry(member) for member in index["members"])
            schema, version = index["schema"], index["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise LibraryError(f"{path} is damaged ({error}); build the library again") from error
        if schema != SCHEMA:
            raise LibraryError(f"{path} has schema {schema}, this version reads {SCHEMA}; build the library again")
        _check_members(members, path)
        return cls(Path(folder), version, members)

    @classmethod
    def of_recordings(cls, folder: str | Path, lineage: Mapping[str, Lineage]) -> Self:
        """A folder of recordings, as `kinprint import` writes it, with the lineage of its models in place of an index.

        Of models with the same weights one is enough to learn kinship from; the others are references all the same.
        """
        named = [one for one in lineage.values() if (Path(folder) / folder_name(one.name) / "manifest.json").is_file()]
        first = {one.weights: one.name for one in reversed(named)}
        members = [Member(m.name, m.family, m.parent, "recorded", fit=first[m.weights] == m.name) for m in named]
        return cls(Path(folder), f"recordings in {Path(folder).name}", tuple(members))

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The families with at least one reference, sorted."""
        return tuple(sorted({member.family for member in self.members}))

    def without(
        self, families: Collection[str] = (), techniques: Collection[str] = (), names: Collection[str] = ()
    ) -> Self:
        """The library as if these members had never been in it. Raises LibraryError on a value that fits none."""
        for what, wanted in (("family", families), ("technique", techniques), ("name", names)):
            there = {str(getattr(member, what)) for member in self.members}
            if unknown := sorted(set(wanted) - there):
                raise LibraryError(f"leave_out names the {what} {unknown[0]!r}; the library has {sorted(there)}")
        kept = tuple(
            m for m in self.members if not (m.family in families or m.technique in techniques or m.name in names)
        )
        return replace(self, members=kept)

    @property
    def population(self) -> tuple[Member, ...]:
        """The members that it is learned from how alike kin and strangers are."""
        return tuple(member for member in self.members if member.fit)

    @property
    def sizes(self) -> Mapping[str, int] | None:
        """How many references each family has, where `members` are only the nearest of them (`analysis.search`)."""
        return None

    def both_ways(self, digests: Sequence[str], access: Access) -> tuple[list[Signature], list[Signature]]:
        """The population on these prompts: as an access would have seen it, and as it was recorded."""
        return self.signatures(self.population, digests, access), self.signatures(self.population, digests)

    def roots(self, digests: Sequence[str], access: Access) -> tuple[list[str], list[Signature]]:
        """Those of the population that others may descend from: families, and what an access would have seen."""
        found = [member for member in self.population if member.role in REFERENCES]
        return [member.family for member in found], self.signatures(found, digests, access)

    def learn(self, pairing: Pairing, digests: Sequence[str], access: Access) -> None:
        """Let a pairing learn from the population how alike strangers are, as an access would see them."""
        pairing.fit(*self.both_ways(digests, access), [member.family for member in self.population])

    def remind(self, pairing: Pairing, candidate: Signature, references: Sequence[Signature]) -> None:
        """Tell a pairing what of a candidate, and the members' signatures in order, was compared before: nothing."""

    def lineage(self, member: Member) -> str:
        """The independent training that a member's weights come from: what its entry says, else the topmost parent."""
        return lineage_of(member, {one.name: one for one in self.members})

    def recording(self, member: Member) -> Recording:
        """The recording of a member, nothing of it read yet."""
        return replace(self._open(member).recording)

    def vocabulary(self, member: Member) -> str | None:
        """The hash of a member's tokenizer, None where it is not known."""
        return vocabulary_of(self.recording(member))

    def likeliest(self, member: Member, digests: Sequence[str]) -> Likeliest | None:
        """What a member's recording keeps of its likeliest tokens, on these prompts; None where it keeps none."""
        return likeliest(self.recording(member), digests)

    def signature(self, member: Member, access: Access | None = None) -> Signature:
        """The signature of a member as recorded, or as a lower access would have seen it."""
        own = self._open(member).access
        seen = own if access is None else lower(own, access)
        key = (member.name, seen)
        if key not in self._signatures:
            self._signatures[key] = signature(self.recording(member), seen, wholes=False)
        return self._signatures[key]

    def with_wholes(self, member: Member, channels: Collection[str]) -> Signature:
        """The signature of a member as recorded, of nothing but these channels, which look at recordings as wholes."""
        return signature(self.recording(member), only=channels)

    def shown(self, nearest: Sequence[Member], channels: Collection[str]) -> list[tuple[Member, Signature]]:
        """Of the nearest of each family, those whose recordings are looked at as wholes, with what they show.

        `channels`: those that the candidate feeds; without any, no recording is read.
        """
        return [(member, self.with_wholes(member, channels)) for member in nearest] if channels else []

    def signatures(
        self, members: Sequence[Member], digests: Sequence[str], access: Access | None = None
    ) -> list[Signature]:
        """Signatures of members on the prompts named, in order."""
        return align([self.signature(member, access) for member in members], digests)

    def asked(self, candidate: Signature) -> Self:
        """The library of those members that were asked what the candidate was asked.

        A library may hold recordings of several suites. Compared are the members that share the most prompts with the
        candidate, or at least half as many as these. Raises LibraryError if nobody shares any.
        """
        prompts = set(candidate.digests)
        shared = {member.name: len(prompts & self.prompts(member)) for member in self.members}
        most = max(shared.values())
        if most:
            return replace(self, members=tuple(m for m in self.members if shared[m.name] >= most / 2))
        # Chats behind which texts went through chat share none with references that continued the texts themselves.
        known = {digest for member in self.members for digest in self.prompts(member)}
        if known & {canary.digest for canary in candidate.canaries}:
            return self
        suites = sorted({self.recording(member).manifest.suite["name"] for member in self.members})
        how = " ('kinprint library build suite=fresh suite.seed=FILE', the same seed)" * is_fresh(candidate.suite)
        raise LibraryError(
            f"the library at {self.folder} was not recorded with the canaries of suite {candidate.suite!r}; "
            f"collect with suite {' or '.join(map(repr, suites))}, or build a library with this suite{how}"
        )

    def prompts(self, member: Member) -> frozenset[str]:
        """Digests of the prompts that a member was asked, as they were asked."""
        return self._open(member).prompts

    def _open(self, member: Member) -> "_Opened":
        if member.name not in self._opened:
            self._opened[member.name] = _Opened(load_recording(self.folder / folder_name(member.name)))
        return self._opened[member.name]

    def shared_prompts(self, candidate: Signature) -> list[str]:
        """The candidate's prompts that every member was asked too, as digests, in the candidate's order.

        What matters is the prompt as it was asked: a text that went through chat with an instruction to continue it is
        not the text that the references continued.
        """
        common = frozenset.intersection(*(self.prompts(member) for member in self.members))
        return [digest for digest in candidate.digests if digest in common]

    def with_member(self, member: Member) -> Self:
        """The library with one more member, or with a member of that name replaced."""
        others = [one for one in self.members if one.name != member.name]
        return replace(self, members=(*others, member))


@dataclass(frozen=True)
class _Opened:
    """A member's recording, checked against its hashes once; what is read of it is not kept."""

    recording: Recording

    @cached_property
    def access(self) -> Access:
        """The access that it was made with."""
        return access_of(replace(self.recording))

    @cached_property
    def prompts(self) -> frozenset[str]:
        """Digests of its prompts as they were asked."""
        return frozenset(prompts_asked(self.recording))


def lower(own: Access, other: Access) -> Access:
    """The most that both accesses allow."""
    if own.tier != other.tier:
        return max(own, other, key=lambda access: TIERS.index(access.tier))
    fewest = (min(own.top_k, other.top_k), min(own.draws, other.draws))
    return Access(own.tier, *fewest, named=own.named and other.named)


def _check_members(members: Sequence[Member], path: Path) -> None:
    names = Counter(member.name for member in members)
    for member in members:
        if not all(isinstance(value, str) and value for value in (member.name, member.family, member.technique)):
            raise LibraryError(f"{path} has a member without a name, family or technique: {member}")
        if names[member.name] > 1:
            raise LibraryError(f"{path} names {member.name!r} twice; delete one of the two entries")
        if member.family == UNKNOWN:
            raise LibraryError(f"{path} calls the family of {member.name!r} {UNKNOWN!r}, which is no family")


def save_index(folder: Path, version: str, members: Sequence[Member], merged_from: Sequence[str] = ()) -> None:
    """Write the index of a library, whole or not at all; `merged_from` are the versions that it was put together of."""
    index = {"schema": SCHEMA, "version": version, "members": [member.entry() for member in members]}
    index |= {"merged_from": list(merged_from)} if merged_from else {}
    write_whole(folder / INDEX, json.dumps(index, indent=1, ensure_ascii=False) + "\n")
