"""`kinprint library verify path=LIBRARY [key=FILE.pub]`: whether a library is what was signed."""

from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from analysis.libraries.library import Library
from analysis.libraries.seal import verify_library
from runners.library.command import given
from runners.signing_key import public_key
from runners.standing import signer, told


def main(arguments: list[str]) -> int:
    """Returns 0 if it stands, 1 if it does not; a library or a signature that can't be read raises KinprintError."""
    values, _ = given(arguments, {"path": "", "key": None})
    key = public_key(Path(values["key"])) if "key" in values else None
    return told(lambda: _lines(values["path"], key))


def _lines(path: str, key: Ed25519PublicKey | None) -> Iterator[str]:
    statement = verify_library(Library.load(path), key)
    yield f"stands: {len(statement.subjects)} files, signed by {signer(key)} (keyid {statement.keyid})"
