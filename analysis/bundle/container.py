"""The container: a zip of stored files, of which every byte follows from the files' names and contents.

Why a zip: everybody can open one, and each file lies in it as it is. Why stored: what compresses well is compressed
already (Parquet, zstandard), deflate gives other bytes with another zlib, and what is not compressed can't be a bomb.
Reading accepts exactly what writing makes, header by header: files in ascending order of their names, all dated
1980-01-01, plain, with no extra field and no comment. So whatever else a zip may hold (a link, an encrypted or
compressed file, a name twice, something before, between or after the files, two headers that disagree) makes it no
bundle; `zipfile` would read much of that without a word.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from re import compile as pattern
from struct import Struct
from typing import BinaryIO

from probes.errors import BundleError

MOST_FILES = 4096
MOST_BYTES = 2**32 - 2**24
"""Of the whole file: what a zip can hold without its 64-bit extension, less room for the directory."""
MOST_NAME = 240

_LOCAL = Struct("<4s5H3I2H")
_CENTRAL = Struct("<4s6H3I5H2I")
_END = Struct("<4s4H2IH")
_VERSION, _UNIX, _DATE = 20, 3 << 8, 0x21  # version 2.0, written on Unix, on 1 January 1980 at 0:00
_PLAIN_FILE = 0o100644 << 16
_PART = pattern(r"[A-Za-z0-9_%(@~+][A-Za-z0-9_%()@~+,=. -]*")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Entry:
    name: bytes
    crc: int
    size: int
    offset: int

    @property
    def local(self) -> bytes:
        """What stands before the file's bytes."""
        return _LOCAL.pack(b"PK\x03\x04", *self._shared, len(self.name), 0) + self.name

    @property
    def central(self) -> bytes:
        """What stands in the directory at the end."""
        place = (len(self.name), 0, 0, 0, 0, _PLAIN_FILE, self.offset)
        return _CENTRAL.pack(b"PK\x01\x02", _UNIX | _VERSION, *self._shared, *place) + self.name

    @property
    def _shared(self) -> tuple[int, ...]:
        return _VERSION, 0, 0, 0, _DATE, self.crc, self.size, self.size

    @property
    def end(self) -> int:
        return self.offset + len(self.local) + self.size


def pack(path: Path, folder: Path) -> None:
    """Write all files under `folder` into one file at `path`, whole or not at all.

    Raises BundleError if there are too many, they are too large, or a name is not one that any system can bear.
    """
    files = {str(file.relative_to(folder).as_posix()): file for file in folder.rglob("*") if file.is_file()}
    _check_names(files)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".partial")
    try:
        with unfinished.open("wb") as out:
            _write(out, files)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def unpack(path: Path, folder: Path) -> list[str]:
    """Write the files of a bundle under `folder`, which is empty, and return their names in order.

    Raises BundleError if there is a byte in it that `pack` would not have written; nothing is then to be used of what
    was written. Never writes outside `folder`, nor more bytes than the bundle has.
    """
    if not path.is_file():
        raise BundleError(f"there is no bundle at {path}")
    if path.stat().st_size > MOST_BYTES:
        raise BundleError(f"{path} is larger than a bundle can be ({MOST_BYTES} bytes)")
    entries: list[_Entry] = []
    with path.open("rb") as file:
        while (head := file.read(_LOCAL.size)).startswith(b"PK\x03\x04") and len(head) == _LOCAL.size:
            entries.append(_read(file, head, entries, folder, path))
        expected = _directory(entries)
        if head + file.read(len(expected)) != expected:
            where = entries[-1].end if entries else 0
            raise BundleError(f"{path} is no bundle, or was damaged: from byte {where} on stands what no bundle holds")
    names = [entry.name.decode("ascii") for entry in entries]
    _check_names(dict.fromkeys(names, path))
    return names


def _read(file: BinaryIO, head: bytes, before: list[_Entry], folder: Path, path: Path) -> _Entry:
    """The next file, written under `folder`."""
    crc, size, _, name_size, _ = _LOCAL.unpack(head)[6:]
    raw = file.read(min(name_size, MOST_NAME + 1))
    name = _checked_name(raw, path)
    entry = _Entry(raw, crc, size, before[-1].end if before else 0)
    if head + raw != entry.local:
        raise BundleError(f"{path} holds {name} otherwise than as a plain, stored file")
    if (before and before[-1].name >= raw) or len(before) == MOST_FILES:
        raise BundleError(f"{path} holds {name} twice or out of order, or more than {MOST_FILES} files")
    target = folder / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            found = _copy(file, out, size)
    except (FileExistsError, NotADirectoryError) as error:
        raise BundleError(f"{path} holds {name} as a file and as a folder") from error
    if found != crc:
        raise BundleError(f"{path} was damaged in {name} (its checksum differs, or it was cut off)")
    return entry


def _copy(file: BinaryIO, out: BinaryIO, size: int) -> int:
    """Copy `size` bytes, or fewer where the file ends; returns their CRC-32, and -1 if it ended."""
    crc, left = 0, size
    while left and (chunk := file.read(min(left, _CHUNK))):
        out.write(chunk)
        crc, left = zlib.crc32(chunk, crc), left - len(chunk)
    return -1 if left else crc


def _write(out: BinaryIO, files: Mapping[str, Path]) -> None:
    entries: list[_Entry] = []
    for name, file in sorted(files.items(), key=lambda item: item[0].encode()):
        crc = 0
        for chunk in _chunks(file):
            crc = zlib.crc32(chunk, crc)
        entries.append(_Entry(name.encode(), crc, file.stat().st_size, entries[-1].end if entries else 0))
        if entries[-1].end > MOST_BYTES:
            raise BundleError(f"the recording and what its verdict rests on take more than {MOST_BYTES} bytes")
        out.write(entries[-1].local)
        for chunk in _chunks(file):
            out.write(chunk)
    out.write(_directory(entries))


def _directory(entries: list[_Entry]) -> bytes:
    """What stands after the files."""
    listed = b"".join(entry.central for entry in entries)
    start = entries[-1].end if entries else 0
    return listed + _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(listed), start, 0)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _checked_name(raw: bytes, path: Path) -> str:
    """A name that is a path under the bundle's folder on any system, and looks like what it is."""
    name = raw.decode("ascii", "backslashreplace")
    parts = name.split("/")
    if len(raw) > MOST_NAME or not all(_PART.fullmatch(part) and not part.endswith((".", " ")) for part in parts):
        raise BundleError(f"{path} has a file name that no bundle has: {name[:80]!a}")
    return name


def _check_names(names: Mapping[str, Path]) -> None:
    if len(names) > MOST_FILES:
        raise BundleError(f"a bundle holds at most {MOST_FILES} files; these would be {len(names)}")
    folded: dict[str, str] = {}
    for name, path in names.items():
        _checked_name(name.encode(), path)
        if (other := folded.setdefault(name.casefold(), name)) != name:
            raise BundleError(f"{other} and {name} would be one file on some systems; rename one of the two")
