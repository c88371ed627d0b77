"""A signed library: an in-toto Statement in a DSSE envelope, in its folder, that names every file by its hash.

The search index is left out: it is made from the files that are signed, and anybody can make it again.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from analysis.bundle.code import made_by
from analysis.bundle.envelope import Statement, Subject, open_envelope, sign
from analysis.libraries.files import ENVELOPE, files_of
from analysis.libraries.library import Library
from probes.errors import EvidenceError
from probes.recording import file_sha256
from probes.write_whole import write_whole

LIBRARY = "urn:kinprint:library:v1"
"""The kind of statement."""


def sign_library(library: Library, key: Ed25519PrivateKey) -> Statement:
    """Sign all files of a library, its recordings checked first; a signature that is there is replaced."""
    said = {"version": library.version, "members": len(library.members), "made_by": made_by()}
    envelope = sign(_subjects(library), LIBRARY, said, key)
    write_whole(library.folder / ENVELOPE, envelope.decode("ascii"))
    return verify_library(library, key.public_key())


def verify_library(library: Library, key: Ed25519PublicKey | None = None) -> Statement:
    """What was signed. Raises EvidenceError if there is no signature, or it fits neither the files nor the key."""
    path = library.folder / ENVELOPE
    if not path.is_file():
        raise EvidenceError(f"the library at {library.folder} is not signed (it has no {ENVELOPE})")
    statement = open_envelope(path.read_bytes(), LIBRARY, str(path), key)
    signed, there = ({one.name: one for one in some} for some in (statement.subjects, _subjects(library)))
    for name in sorted(signed.keys() | there.keys()):
        if signed.get(name) != there.get(name):
            how = "was changed" if name in signed and name in there else "is missing" if name in signed else "was added"
            raise EvidenceError(f"{library.folder / name} {how} since the library was signed")
    if statement.predicate.get("version") != library.version:
        raise EvidenceError(f"{path} signs another version than {library.version!r}")
    return statement


def _subjects(library: Library) -> list[Subject]:
    paths = [path for path in files_of(library) if path != ENVELOPE]
    return [Subject(path, file_sha256(library.folder / path), (library.folder / path).stat().st_size) for path in paths]
