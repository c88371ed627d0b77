"""Whether what a verdict rests on is what comes with the reader's own kinprint, or was chosen by whoever signed.

A verdict follows from its answers whichever references, coefficients and thresholds stand beside them. So it is said
how far these are the ones that everybody has, and what of them was left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

from analysis.attribution.rules import Rules
from analysis.bundle.basis import KINSHIP, Basis, Part
from analysis.bundle.contents import controls_of, kinship_file
from analysis.kinship.fitted import SHIPPED as SHIPPED_KINSHIP
from analysis.libraries.library import SHIPPED, ZOO, Library
from analysis.signatures.signature import prompts_asked, signature
from probes.errors import LibraryError
from probes.recording import Recording, file_sha256, folder_name

_MANIFEST = "manifest.json"
_LISTED = 8


def origins(bundle: Path, basis: Basis, recording: Recording) -> Iterator[str]:
    """A sentence each on the references, the controls if there are any, and the rules."""

    def compared(library: Library) -> Library:
        return library.asked(signature(recording, wholes=False))

    def controls(library: Library) -> Library:
        return controls_of(set(prompts_asked(recording)), library, basis.parents)

    yield _of_members("references", bundle, basis.library, compared)
    if basis.controls is not None:
        yield _of_members("controls", bundle, basis.controls, controls)
    yield _of_rules(bundle, basis.rules)


def _of_members(what: str, bundle: Path, part: Part, expected: Callable[[Library], Library]) -> str:
    """How many members come with kinprint, and which of that library would have been compared as well."""
    own = [(library, _matched(library, bundle, part)) for library in map(Library.load, (SHIPPED, ZOO))]
    library, there = max(own, key=lambda pair: len(pair[1]))
    if not there:
        return f"{what}: none of {len(part.members)} come with this kinprint; whoever signed chose them"
    try:
        left = sorted({member.name for member in expected(library).members} - there)
    except LibraryError:  # a parent that this library does not have
        left = []
    listed = ", ".join(left[:_LISTED]) + (f" and {len(left) - _LISTED} more" if len(left) > _LISTED else "")
    rest = f"{len(left)} of that library were left out: {listed}" if left else "none of that library was left out"
    return f"{what}: {len(there)} of {len(part.members)} come with this kinprint ({library.version}); {rest}"


def _matched(library: Library, bundle: Path, part: Part) -> set[str]:
    """The members that are the same in a library: what is said of them, and their recordings byte for byte."""
    known = {member.name: replace(member, lineage=library.lineage(member)) for member in library.members}
    alike = [member.name for member in part.open(bundle).members if member == known.get(member.name)]
    places = {name: Path(folder_name(name), _MANIFEST) for name in alike}
    return {
        name
        for name, place in places.items()
        if file_sha256(library.folder / place) == file_sha256(bundle / part.folder / place)
    }


def _of_rules(bundle: Path, rules: Rules) -> str:
    """Which rules are other than by default."""
    usual = Rules()
    other = [one.name for one in fields(Rules) if getattr(rules, one.name) != getattr(usual, one.name)]
    if rules.kinship == KINSHIP and file_sha256(bundle / KINSHIP) == file_sha256(kinship_file(SHIPPED_KINSHIP)):
        other.remove("kinship")
    return f"rules: other than this kinprint's in {', '.join(other)}" if other else "rules: this kinprint's own"
