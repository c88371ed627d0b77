"""Models that can be put side by side: references and recordings, read at one access, on the prompts all were asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from analysis.libraries.library import Library, lower
from analysis.report.hostile import NAME_LIMIT, visible
from analysis.signatures.observation import Access, access_of
from analysis.signatures.signature import Signature, align, prompts_asked, signature
from probes.errors import LibraryError, RecordingError
from probes.recording import Recording


@dataclass(frozen=True)
class Comparable:
    """Aligned signatures, all seen at one `access`; `families` are those of references, None for a recording.

    `names` are safe to print, each there once. `left_out`: references that are not among them, and why.
    """

    names: tuple[str, ...]
    families: tuple[str | None, ...]
    signatures: tuple[Signature, ...]
    access: Access
    left_out: dict[str, str]


def comparable(
    library: Library, recordings: Sequence[Recording] = (), like: str | None = None, least: int = 8
) -> Comparable:
    """The references that were asked what the first recording was, or the reference `like`, and the recordings.

    Without either, the references are those that were asked what most were. Raises RecordingError if a recording
    shares fewer than `least` prompts with all references, or answered fewer; LibraryError if there are no two models,
    or no prompts that all references were asked.
    """
    kept = _asked(library, recordings, like)
    digests = sorted(_shared(kept, recordings, least))
    own = [access_of(one) for one in recordings] + [kept.signature(member).access for member in kept.members]
    access = reduce(lower, own)
    given = align([signature(one, access, wholes=False) for one in recordings], digests)
    for one in given:
        if one.answered.sum() < least:
            raise RecordingError(f"{visible(one.name, NAME_LIMIT)} {_answered(one)}; to compare it takes {least}")
    references = list(zip(kept.members, kept.signatures(kept.members, digests, access), strict=True))
    spoke = [(member, one) for member, one in references if one.answered.sum() >= least]
    if len(spoke) + len(given) < 2:
        raise LibraryError(f"there are fewer than two models to compare in {library.folder}; name recordings")
    left_out = {one.name: "it was asked other prompts" for one in library.members if one not in kept.members}
    left_out |= {member.name: f"it {_answered(one)}" for member, one in references if one.answered.sum() < least}
    signatures = (*[one for _, one in spoke], *given)
    families = (*[member.family for member, _ in spoke], *[None] * len(given))
    return Comparable(_labels([one.name for one in signatures]), families, signatures, access, left_out)


def _shared(library: Library, recordings: Sequence[Recording], least: int) -> frozenset[str]:
    """Digests of the prompts that all were asked; an error if they are too few, on the recording that made them so."""
    shared = frozenset.intersection(*(library.prompts(member) for member in library.members))
    if len(shared) < least:
        raise LibraryError(f"the references share {len(shared)} prompts, and to compare them takes {least}")
    for one in recordings:
        shared &= frozenset(prompts_asked(one))
        if len(shared) < least:
            raise RecordingError(
                f"{visible(one.manifest.candidate, NAME_LIMIT)} (in {one.folder}) was asked {len(shared)} of the "
                f"prompts that all others were asked, and to compare it takes {least}; collect with the library's suite"
            )
    return shared


def _answered(one: Signature) -> str:
    return f"answered {int(one.answered.sum())} of the {len(one.digests)} prompts that all were asked"


def _asked(library: Library, recordings: Sequence[Recording], like: str | None) -> Library:
    """The library of those members that can be compared."""
    if like is None and recordings:
        return library.asked(signature(recordings[0], wholes=False))
    if like is None:
        [(most, _)] = Counter(library.prompts(member) for member in library.members).most_common(1)
        chosen = next(member for member in library.members if library.prompts(member) == most)
    else:
        named = [member for member in library.members if member.name == like]
        if not named:
            raise LibraryError(f"the library has no reference {like!r}; 'kinprint ls' lists what the shipped one has")
        [chosen] = named
    return library.asked(library.signature(chosen))


def _labels(names: Sequence[str]) -> tuple[str, ...]:
    """Names without anything unseen in them, each there once: the second of a name is "name (2)"."""
    labels: list[str] = []
    for name in names:
        label = shown = visible(name, NAME_LIMIT) or "(no name)"
        number = 1
        while label in labels:
            number += 1
            label = f"{shown} ({number})"
        labels.append(label)
    return tuple(labels)
