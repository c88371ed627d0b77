"""The models of the benchmark: who they are, what touches whom, and their recordings as one access would see them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from analysis.libraries.library import REFERENCES, Library, Member, lineage_of
from analysis.signatures.chosen_logits import vocabulary_of
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature, align
from probes.errors import LibraryError
from probes.manifest import TIERS
from probes.recording import Recording


@dataclass(frozen=True)
class Specimen:
    """One model. `lineage` is the independent training that its weights come from; `touches` also that of its teacher.

    `vocabulary` is the hash of its tokenizer, None where it is not known.
    """

    member: Member
    library: Library
    kind: str
    lineage: str
    touches: frozenset[str]

    @property
    def name(self) -> str:
        return self.member.name

    @property
    def family(self) -> str:
        return self.member.family

    @property
    def technique(self) -> str:
        return self.member.technique

    @property
    def recording(self) -> Recording:
        """Its recording, nothing of it read yet."""
        return self.library.recording(self.member)

    @property
    def vocabulary(self) -> str | None:
        return vocabulary_of(self.recording)

    @property
    def taught_by(self) -> str | None:
        """The lineage of a student's teacher; None for everybody else."""
        return next(iter(self.touches - {self.lineage}), None) if self.kind == "student" else None

    def readable_at(self, access: Access) -> bool:
        """Whether it was recorded with that access, or a higher one."""
        return TIERS.index(self.recording.manifest.tier) <= TIERS.index(access.tier)


def specimens_of(libraries: Sequence[Library]) -> list[Specimen]:
    """The members of some libraries, of two with one name the first; what is left open comes from their parents."""
    found: dict[str, tuple[Member, Library]] = {}
    for library in libraries:
        for member in library.members:
            found.setdefault(member.name, (member, library))
    members = {name: member for name, (member, _) in found.items()}
    return [_specimen(member, library, members) for member, library in found.values()]


def _specimen(member: Member, library: Library, members: dict[str, Member]) -> Specimen:
    lineage = lineage_of(member, members)
    teacher = members.get(member.teacher) if member.teacher else None
    touched = {lineage, *([lineage_of(teacher, members)] if teacher else [member.teacher] if member.teacher else [])}
    return Specimen(member, library, member.role, lineage, frozenset(touched))


@dataclass(frozen=True)
class Seen:
    """What one access shows: aligned signatures of `candidates` (everybody) and the places of the `references`."""

    access: Access
    candidates: tuple[Specimen, ...]
    signatures: tuple[Signature, ...]
    left_out: tuple[str, ...]

    @classmethod
    def at(cls, access: Access, specimens: Sequence[Specimen], step: Callable[[], object] = lambda: None) -> Self:
        """Read everybody at an access, on the prompts that all references were asked.

        Who can't be read so, or was asked other prompts, is `left_out`. Raises LibraryError if there is no reference.
        """
        there = [one for one in specimens if one.readable_at(access)]
        digests = shared_prompts(there)
        wanted = set(digests)
        kept = [one for one in there if wanted <= one.library.prompts(one.member)]
        read = []
        for one in kept:
            read += align([one.library.signature(one.member, access)], digests)
            step()
        names = {one.name for one in kept}
        left = tuple(one.name for one in specimens if one.name not in names)
        return cls(access, tuple(kept), tuple(read), left)

    @cached_property
    def recorded(self) -> tuple[Signature, ...]:
        """The references as they were recorded, on the same prompts: more may be known of them than an access shows."""
        digests = self.signatures[0].digests
        models = [self.candidates[place] for place in self.references]
        return tuple(align([one.library.signature(one.member) for one in models], digests))

    @property
    def references(self) -> np.ndarray:
        """Places of the references among the candidates: [n_references]."""
        return np.array([place for place, one in enumerate(self.candidates) if one.kind in REFERENCES], dtype=np.intp)


def shared_prompts(specimens: Sequence[Specimen]) -> list[str]:
    """Digests of the prompts that all references were asked, in one order. Raises LibraryError if there are none."""
    asked = [one.library.prompts(one.member) for one in specimens if one.kind in REFERENCES]
    common: Collection[str] = frozenset.intersection(*asked) if asked else ()
    if not common:
        raise LibraryError("the benchmark needs references (bases or lookalikes) that were all asked the same suite")
    return sorted(common)
