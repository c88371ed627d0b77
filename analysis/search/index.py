"""The search index of a library: its members on shelves by what they were asked, found again without reading them all.

It lies in the library's folder, as `search/`, and is made from the recordings there. Adding members appends to it;
nothing is fitted anew. Of every shelf some members are the *population*: two of each of the first twelve families, from
whose recordings it is learned how alike strangers answer (`analysis.kinship.pairing`), whoever the nearest are.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.libraries.library import INDEX, Library, Member
from analysis.search.packed import CHANNELS, Packed
from analysis.search.shelf import HEAD, Entry, Shelf
from analysis.search.sketch import VERSION, sketch
from analysis.signatures.signature import Signature, align, signature
from probes.errors import LibraryError
from probes.recording import file_sha256, folder_name, load_recording
from probes.write_whole import write_whole

FOLDER, SEARCH = "search", "search.json"
SCHEMA = 1
PANEL_FAMILIES, PANEL_EACH = 12, 2
_BATCH = 256
"""Members between two points from which a run that was killed goes on."""


@dataclass
class SearchIndex:
    """An open index; `folder` is the library's. `left_out`: rows, by shelf, that are not looked at."""

    folder: Path
    version: str
    shelves: list[Shelf]
    left_out: dict[Path, set[int]] = field(default_factory=dict)

    @classmethod
    def open(cls, library: str | Path) -> Self:
        """Open the index of a library. Raises LibraryError if there is none, or the library has changed since."""
        folder = Path(library)
        path = folder / FOLDER / SEARCH
        again = f"run 'kinprint library index path={folder}'"
        if not path.is_file():
            raise LibraryError(f"the library at {folder} has no search index; {again}")
        try:
            head = json.loads(path.read_text("utf-8"))
            made = (head["schema"], head["sketch"])
            shelves, version, of = [str(one) for one in head["shelves"]], str(head["version"]), str(head["library"])
        except (ValueError, KeyError, TypeError) as error:
            raise LibraryError(f"{path} is damaged ({error}); {again}") from error
        if made != (SCHEMA, VERSION):
            raise LibraryError(f"{path} is of another version of kinprint; delete {path.parent} and {again}")
        if of != file_sha256(folder / INDEX):
            raise LibraryError(f"the library at {folder} has changed since its search index was made; {again}")
        return cls(folder, version, [Shelf.open(path.parent / Path(name).name) for name in shelves])

    def without(self, families: Collection[str], techniques: Collection[str], names: Collection[str]) -> Self:
        """The index as if these members had never been in it. Raises LibraryError on a value that fits none."""
        if not (families or techniques or names):
            return self
        left_out, there = {}, set()
        for shelf in self.shelves:
            members = shelf.members()
            found = {row for row, m in enumerate(members) if m.family in families or m.technique in techniques}
            left_out[shelf.folder] = found | {row for row, m in enumerate(members) if m.name in names}
            there |= {value for m in members for value in (m.family, m.technique, m.name)}
        if unknown := sorted({*families, *techniques, *names} - there):
            raise LibraryError(f"leave_out names {unknown[0]!r}, which no member of {self.folder} is or has")
        return type(self)(self.folder, self.version, self.shelves, left_out)

    def there(self, shelf: Shelf) -> npt.NDArray[np.bool_]:
        """The rows of a shelf that are looked at: [count]."""
        there: npt.NDArray[np.bool_] = shelf.family_of >= 0
        there[sorted(self.left_out.get(shelf.folder, ()))] = False
        return there

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How many members every family has."""
        sizes: dict[str, int] = {}
        for shelf in self.shelves:
            counts = np.bincount(shelf.family_of[self.there(shelf)], minlength=len(shelf.families))
            for family, count in zip(shelf.families, counts.tolist(), strict=True):
                sizes[family] = sizes.get(family, 0) + count
        return {family: size for family, size in sorted(sizes.items()) if size}

    def panel(self, shelf: Shelf) -> Library:
        """The population of a shelf, as a library of its own."""
        rows = [row for row in shelf.panel if row not in self.left_out.get(shelf.folder, ())]
        return Library(self.folder, self.version, tuple(shelf.member(row) for row in rows))

    def asked(self, candidate: Signature) -> list[Shelf]:
        """The shelves with the most prompts of a candidate's, or at least half as many, as `Library.asked` has it."""
        prompts = set(candidate.digests)
        shared = [
            (len(prompts.intersection(shelf.digests)), shelf) for shelf in self.shelves if self.there(shelf).any()
        ]
        most = max((count for count, _ in shared), default=0)
        return [shelf for count, shelf in shared if most and count >= most / 2]


def update(library: Library, step: Callable[[], object] = lambda: None) -> int:
    """Bring the index of a library up to date: members that are new or changed are appended, others are gone.

    Returns how many were appended. A run that was killed goes on where it stopped. Raises LibraryError, RecordingError
    for a member whose recording can't be read.
    """
    shelves = opened(library)
    known = {
        name: (stamp, shelf, row)
        for shelf in shelves.values()
        for row, (name, stamp) in enumerate(shelf.stamps())
        if row not in shelf.gone
    }
    stamps = {member.name: stamp_of(library.folder, member) for member in library.members}
    for name, (stamp, shelf, row) in known.items():
        if stamps.get(name) != stamp:
            shelf.gone.add(row)
    new = [one for one in library.members if one.name not in known or known[one.name][0] != stamps[one.name]]
    add(library, new, shelves, step)
    return len(new)


def opened(library: Library) -> dict[str, Shelf]:
    """The shelves that a library has, by name."""
    folder = library.folder / FOLDER
    return {path.parent.name: Shelf.open(path.parent) for path in sorted(folder.glob(f"*/{HEAD}"))}


def add(
    library: Library, members: Sequence[Member], shelves: dict[str, Shelf], step: Callable[[], object] = lambda: None
) -> None:
    """Append members of a library, of whom its shelves hold none, and make the index the one of the library as it is.

    Nothing is looked at of the members that are there.
    """
    for start in range(0, len(members), _BATCH):
        _append(library, members[start : start + _BATCH], shelves, step)
    for shelf in shelves.values():
        _choose_panel(shelf)
        shelf.save()
    head = {
        "schema": SCHEMA,
        "sketch": VERSION,
        "version": library.version,
        "library": file_sha256(library.folder / INDEX),
        "shelves": sorted(shelves),
    }
    write_whole(library.folder / FOLDER / SEARCH, json.dumps(head, indent=1, ensure_ascii=False) + "\n")


def _append(library: Library, members: Iterable[Member], shelves: dict[str, Shelf], step: Callable[[], object]) -> None:
    """Read the recordings of some members and put them on their shelves, which are then saved."""
    entries: dict[str, list[Entry]] = {}
    for member in members:
        found = signature(load_recording(library.folder / folder_name(member.name)), only=CHANNELS)
        name = sha256("".join(sorted(found.digests)).encode()).hexdigest()[:16]
        shelf = shelves.setdefault(name, Shelf(library.folder / FOLDER / name, found.digests))
        [found] = align([found], shelf.digests)
        entry = Entry(member, stamp_of(library.folder, member), sketch(found), Packed.of(found).to_bytes())
        entries.setdefault(name, []).append(entry)
        step()
    for name, some in entries.items():
        shelves[name].append(some)
        _choose_panel(shelves[name])
        shelves[name].save()


def _choose_panel(shelf: Shelf) -> None:
    """Two members each of the first twelve families that may be learned from; those chosen once stay."""
    shelf.panel = [row for row in shelf.panel if row not in shelf.gone]
    counts: dict[int, int] = {}
    for row in shelf.panel:
        counts[int(shelf.family_of[row])] = counts.get(int(shelf.family_of[row]), 0) + 1
    for row in range(shelf.count):
        if len(shelf.panel) >= PANEL_FAMILIES * PANEL_EACH:
            return
        family = int(shelf.family_of[row])
        room = counts.get(family, 0) < PANEL_EACH and (family in counts or len(counts) < PANEL_FAMILIES)
        if family >= 0 and room and row not in shelf.panel and shelf.member(row).fit:
            shelf.panel.append(row)
            counts[family] = counts.get(family, 0) + 1


def stamp_of(folder: Path, member: Member) -> str:
    """What changes with a member's entry or recording."""
    path = folder / folder_name(member.name) / "manifest.json"
    if not path.is_file():
        raise LibraryError(f"the library at {folder} lists {member.name!r}, and has no recording of it")
    return sha256(json.dumps(member.entry(), sort_keys=True).encode() + path.read_bytes()).hexdigest()[:16]
