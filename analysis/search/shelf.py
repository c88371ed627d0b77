"""A shelf: the references of a library that were asked the same prompts, in files that only grow.

    shelf.json        the prompts in order, and how many members count: what lies behind them was never finished
    sketches.f32      [n, SIZE] one sketch a member
    signatures.bin    one packed signature after the other; `ends.u64` [n] says where each ends
    members.jsonl     one entry a member, in order; `lines.u64` [n] says where each ends
    families.i32      [n] the family of each, by its place in families.json

Files are mapped into memory, so that only what is looked at is read. Members are appended, and count from the moment
that shelf.json, which is written last and whole, says so. A member that is replaced or taken out stays where it is,
and is named in `gone`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.libraries.library import Member
from analysis.search.packed import Packed
from analysis.search.sketch import SIZE
from probes.errors import LibraryError
from probes.write_whole import write_whole

HEAD = "shelf.json"
_FILES = {"sketches.f32": 4 * SIZE, "ends.u64": 8, "lines.u64": 8, "families.i32": 4}
"""Files with so many bytes a member."""
_AGAIN = "make the index again with 'kinprint library index'"


@dataclass(frozen=True)
class Entry:
    """What is put on a shelf: a member, its sketch and its packed signature; `stamp` changes with its recording."""

    member: Member
    stamp: str
    sketch: npt.NDArray[np.float32]
    packed: bytes


@dataclass
class Shelf:
    """An open shelf; `digests` [n_prompts], `families` by number, `panel`: rows of the population (see `index`)."""

    folder: Path
    digests: tuple[str, ...]
    families: list[str] = field(default_factory=list)
    count: int = 0
    gone: set[int] = field(default_factory=set)
    panel: list[int] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Raises LibraryError if the head says what its files don't hold."""
        path = folder / HEAD
        try:
            head = json.loads(path.read_text("utf-8"))
            found = cls(
                folder,
                tuple(map(str, head["digests"])),
                list(map(str, head["families"])),
                int(head["count"]),
                set(map(int, head["gone"])),
                list(map(int, head["panel"])),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LibraryError(f"{path} can't be read ({error}); {_AGAIN}") from error
        short = [name for name, size in _FILES.items() if _size(folder / name) < found.count * size]
        if short or not all(0 <= row < found.count for row in (*found.panel, *found.gone)):
            raise LibraryError(f"{folder / (short or [HEAD])[0]} holds less than {path} says; {_AGAIN}")
        return found

    def append(self, entries: Sequence[Entry]) -> None:
        """Write members behind those that are there. They count once `save` has been called."""
        self.folder.mkdir(parents=True, exist_ok=True)
        codes = {family: code for code, family in enumerate(self.families)}
        for entry in entries:
            codes.setdefault(entry.member.family, len(codes))
        self.families = list(codes)
        lines = [_line(one) for one in entries]
        packed = [one.packed for one in entries]
        self._extend("sketches.f32", np.stack([one.sketch for one in entries]).astype("<f4"))
        self._extend("families.i32", np.array([codes[one.member.family] for one in entries], "<i4"))
        for name, ends, parts in (("signatures.bin", "ends.u64", packed), ("members.jsonl", "lines.u64", lines)):
            start = int(self._numbers(ends)[self.count - 1]) if self.count else 0
            _write_at(self.folder / name, start, b"".join(parts))
            self._extend(ends, (start + np.cumsum([len(part) for part in parts])).astype("<u8"))
        self.count += len(entries)
        self._forget()

    def save(self) -> None:
        """Make what was appended count."""
        head = {name: getattr(self, name) for name in ("digests", "families", "count", "panel")}
        write_whole(self.folder / HEAD, json.dumps({**head, "gone": sorted(self.gone)}, ensure_ascii=False) + "\n")

    @cached_property
    def sketches(self) -> npt.NDArray[np.float32]:
        """[count, SIZE], mapped."""
        shape = (self.count, SIZE)
        return np.memmap(self.folder / "sketches.f32", "<f4", "r", shape=shape) if self.count else np.zeros(shape, "f4")

    @cached_property
    def family_of(self) -> npt.NDArray[np.int32]:
        """[count] the family of each row, by number; -1 for what is gone."""
        codes = self._numbers("families.i32").copy()
        codes[sorted(self.gone)] = -1
        return codes

    def member(self, row: int) -> Member:
        """The entry of one row."""
        entry = dict(self._entry(row))
        entry.pop("stamp", None)
        try:
            return Member.of_entry(entry)
        except TypeError as error:
            raise LibraryError(f"line {row + 1} of {self.folder / 'members.jsonl'} is no member; {_AGAIN}") from error

    def members(self) -> list[Member]:
        """All entries, those that are gone too."""
        return [self.member(row) for row in range(self.count)]

    def stamps(self) -> Iterator[tuple[str, str]]:
        """The name and the stamp of every row."""
        for row in range(self.count):
            entry = self._entry(row)
            yield str(entry.get("name")), str(entry.get("stamp"))

    def _entry(self, row: int) -> dict[str, Any]:
        try:
            entry = json.loads(self._slice("members.jsonl", "lines.u64", row))
        except ValueError as error:
            raise LibraryError(f"line {row + 1} of {self.folder / 'members.jsonl'} is no JSON; {_AGAIN}") from error
        if not isinstance(entry, dict):
            raise LibraryError(f"line {row + 1} of {self.folder / 'members.jsonl'} is no member; {_AGAIN}")
        return entry

    def packed(self, row: int) -> Packed:
        """The packed signature of one row."""
        return Packed.of_bytes(self._slice("signatures.bin", "ends.u64", row), f"row {row} of {self.folder}")

    def _slice(self, name: str, ends: str, row: int) -> bytes:
        numbers = self._numbers(ends)
        start, end = int(numbers[row - 1]) if row else 0, int(numbers[row])
        data = self._mapped(name, "u1")
        if not start <= end <= len(data):
            raise LibraryError(f"{self.folder / name} ends before its row {row}; {_AGAIN}")
        return bytes(data[start:end])

    def _numbers(self, name: str) -> npt.NDArray[Any]:
        return self._mapped(name, {"u64": "<u8", "i32": "<i4"}[name.rpartition(".")[2]])[: self.count]

    def _mapped(self, name: str, kind: str) -> npt.NDArray[Any]:
        if name not in self._maps:
            self._maps[name] = np.memmap(self.folder / name, kind, "r")
        return self._maps[name]

    @cached_property
    def _maps(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _extend(self, name: str, values: npt.NDArray[Any]) -> None:
        _write_at(self.folder / name, self.count * _FILES[name], values.tobytes())

    def _forget(self) -> None:
        """The files are longer now than they were mapped."""
        for name in ("sketches", "family_of", "_maps"):
            self.__dict__.pop(name, None)


def _line(one: Entry) -> bytes:
    return json.dumps({**one.member.entry(), "stamp": one.stamp}, ensure_ascii=False).encode() + b"\n"


def _write_at(path: Path, start: int, data: bytes) -> None:
    """Write from a place on, and cut off what a run that was killed left behind it."""
    with path.open("r+b" if path.exists() else "xb") as file:
        file.seek(start)
        file.write(data)
        file.truncate()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
