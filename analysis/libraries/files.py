"""The files that make a library: what is copied, signed and shared, and what of a stranger's is taken.

A library that somebody else made is untrusted: only files that the index and the manifests name are looked at, each
under a plain name, none through a link, and every recording is checked against the hashes of its manifest.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from analysis.libraries.library import INDEX, Library, Member, save_index
from probes.errors import LibraryError
from probes.recording import SUITE, SUITES, folder_name, load_recording

ENVELOPE = "envelope.json"
"""The signature over a library's files (`analysis.libraries.seal`)."""
MANIFEST = "manifest.json"
_PLAIN = re.compile(r"[A-Za-z0-9_%()@~+,=. -]{1,240}")


def files_of(library: Library, members: Sequence[Member] | None = None) -> list[str]:
    """Paths of all files of a library, or of some members, relative to its folder and sorted; the index comes with all.

    Raises LibraryError on a name or a link that no library has, RecordingError on a recording that was damaged.
    """
    found = {INDEX} if members is None else set()
    if members is None and (library.folder / ENVELOPE).is_file():
        found.add(ENVELOPE)
    for member in library.members if members is None else members:
        folder = folder_name(member.name)
        manifest = load_recording(library.folder / folder).manifest
        if manifest.candidate != member.name:
            raise LibraryError(f"the recording in {library.folder / folder} is of {manifest.candidate!r}")
        found |= {f"{folder}/{name}" for name in (MANIFEST, *manifest.files)}
        if SUITE not in manifest.files:
            found.add(f"{SUITES}/{manifest.suite['sha256']}.jsonl")
    return sorted(checked_path(path, library.folder) for path in found)


def checked_path(path: str, where: Path) -> str:
    """A path as a library has them: one or two plain names, and no link on the way. Raises LibraryError for others."""
    parts = path.split("/")
    plain = all(_PLAIN.fullmatch(part) and part.strip(". ") and not part.endswith((".", " ")) for part in parts)
    if not plain or len(parts) > 2:
        raise LibraryError(f"{where} names a file that no library has: {path[:80]!a}")
    if any((where / "/".join(parts[: n + 1])).is_symlink() for n in range(len(parts))):
        raise LibraryError(f"{where / path} is a link; a library holds plain files")
    return path


def copy_files(library: Library, paths: Sequence[str], out: Path) -> None:
    """Copy files of a library into another folder; what is there already has to be the same."""
    for path in paths:
        source, target = library.folder / path, out / path
        if target.is_file() and target.read_bytes() != source.read_bytes():
            raise LibraryError(f"{target} is there, and is another file than {source}; name a new folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def merge(libraries: Sequence[Library], out: Path, version: str) -> Library:
    """Put libraries together, under a new version. What several hold alike stands once.

    Raises LibraryError where two hold different members or recordings under one name, or `out` is a library already.
    """
    if (out / INDEX).exists():
        raise LibraryError(f"there is a library at {out} already; name a new folder")
    if version in {one.version for one in libraries}:
        raise LibraryError(f"one of the libraries is version {version!r} itself; give the new one a name of its own")
    members: dict[str, tuple[Member, Library]] = {}
    for library in libraries:
        for member in library.members:
            other, holder = members.setdefault(member.name, (member, library))
            if other != member or _manifest(holder, member) != _manifest(library, member):
                raise LibraryError(
                    f"{holder.folder} and {library.folder} hold different members named {member.name!r}; rename one"
                )
    for member, library in members.values():
        copy_files(library, files_of(library, [member]), out)
    save_index(out, version, [member for member, _ in members.values()], [one.version for one in libraries])
    return Library.load(out)


def _manifest(library: Library, member: Member) -> bytes:
    return (library.folder / folder_name(member.name) / MANIFEST).read_bytes()
