"""A member of a library: one reference model, and what is known of its lineage."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Member:
    """One reference: its name, the family that it descends from, its parent and the technique that made it.

    `fit` says whether pairs with it may be used to fit the kinship classifier; a member added later need not be.
    Where the library says so: `kind` is what it is (base, descendant, lookalike, sibling, student, framed, disguise);
    `recipe` and `seed` made it; `parents` are all of them, if it has several; `teacher` wrote what it was trained on;
    `lineage` names the independent training that its weights come from, which for a base is itself. Of one that was
    trained from nothing, bits per byte on held-out text, its own and those of a trigram model of the same tokens.
    """

    name: str
    family: str
    parent: str | None = None
    technique: str = "base"
    fit: bool = True
    licence: str | None = None
    origin: str | None = None
    kind: str | None = None
    recipe: str | None = None
    seed: int | None = None
    teacher: str | None = None
    lineage: str | None = None
    parents: tuple[str, ...] = ()
    bits_per_byte: float | None = None
    trigram_bits_per_byte: float | None = None

    @property
    def role(self) -> str:
        """Its kind; where the library does not say it, what follows from its parent."""
        return self.kind or ("base" if self.parent is None else "descendant")

    @property
    def taught_by(self) -> str | None:
        """Whose answers it was trained on from nothing: a student's teacher, and nobody else's.

        A framed model was a stranger before it was tuned on somebody's answers, and comes out between strangers and
        students: with students it would make them look more varied than they are.
        """
        return self.teacher if self.role == "student" else None

    @classmethod
    def of_entry(cls, entry: Mapping[str, Any]) -> Self:
        """A member from its entry in an index."""
        return cls(**{**entry, "parents": tuple(entry.get("parents", ()))})

    def entry(self) -> dict[str, Any]:
        """The member's entry in an index; what came with the zoo is left out where nothing is known of it."""
        values = asdict(self)
        new = ("kind", "recipe", "seed", "teacher", "lineage", "parents", "bits_per_byte", "trigram_bits_per_byte")
        return {key: value for key, value in values.items() if key not in new or value not in (None, ())}


def lineage_of(member: Member, members: Mapping[str, Member]) -> str:
    """What its entry says, else the topmost parent among `members`, which are by name."""
    while member.lineage is None and member.parent is not None and member.parent in members:
        member = members[member.parent]
    return member.lineage or member.parent or member.name
