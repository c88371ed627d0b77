"""Keys that sign: an Ed25519 pair in two PEM files, the private one of mode 600 and told to nobody."""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from analysis.bundle.envelope import load_public_key
from probes.errors import BundleError

VARIABLE = "KINPRINT_KEY_PASSPHRASE"


def new_key(path: Path) -> Path:
    """Make a pair: the private key at `path`, under the passphrase in the environment if there is one, and the public
    key beside it; returns where. Raises BundleError if one of the two is there already.
    """
    public = path.with_name(path.name + ".pub")
    if taken := [one for one in (path, public) if one.exists() or one.is_symlink()]:
        raise BundleError(f"{taken[0]} is there already; a key is never written over, so name another file")
    key, passphrase = Ed25519PrivateKey.generate(), os.environ.get(VARIABLE, "")
    how: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public


def private_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file. Raises BundleError if it holds none, others may read it, or it stays locked."""
    if not path.is_file():
        raise BundleError(f"there is no key at {path}; make one with 'kinprint key new {path}'")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise BundleError(f"{path} holds a private key and others may read it; 'chmod 600 {path}' or make a new one")
    pem, passphrase = path.read_bytes(), os.environ.get(VARIABLE, "")
    locked = b"ENCRYPTED" in pem
    try:
        key = load_pem_private_key(pem, passphrase.encode() if locked and passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # not as the cause: its words are not ours to vouch for
        why = f"; it has a passphrase: set {VARIABLE} to it" if locked else ""
        raise BundleError(f"{path} can't be read as a private key{why}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError(f"{path} holds a key of another kind than Ed25519; make one with 'kinprint key new'")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a file. Raises BundleError if it holds none."""
    if not path.is_file():
        raise BundleError(f"there is no public key at {path}; name the .pub file of 'kinprint key new'")
    return load_public_key(path.read_bytes(), str(path))
