"""`kinprint verify FILE`: does a bundle stand? Needs no network, no engine and no configuration."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import Certificate

from analysis.bundle.timestamp import load_roots
from analysis.bundle.verify import verify
from probes.errors import KinprintError
from runners.signing_key import public_key
from runners.standing import signer, told

_HELP = """kinprint verify: check an evidence bundle, and compute its verdict again (docs/bundle.md)

example: kinprint verify evidence.kinprint.zip key=theirs.pub

  FILE         the bundle
  key=FILE     the public key of who should have signed it, in PEM; without one, any key's signature will do
  roots=FILE   root certificates, in PEM, that you trust to date a plan

Exit status 0: stands. 1: does not stand. 2: is no bundle that can be read."""


def main(arguments: list[str]) -> int:
    """The command line's entry; returns whether the bundle stands as an exit status."""
    if not arguments or any(word in ("-h", "--help") for word in arguments):
        print(_HELP)
        return 0
    bundle, given = _given(arguments)
    key = public_key(Path(given["key"])) if "key" in given else None
    roots = load_roots(Path(given["roots"]).read_bytes(), given["roots"]) if "roots" in given else []
    return told(lambda: _lines(Path(bundle), key, roots))


def _lines(bundle: Path, key: Ed25519PublicKey | None, roots: Sequence[Certificate]) -> Iterator[str]:
    found = verify(bundle, key, roots)
    yield f"stands: {found.verdict} Signed by {signer(key)} (keyid {found.statement.keyid})."
    for note in found.notes:
        yield f"  {note}"


def _given(arguments: list[str]) -> tuple[str, dict[str, str]]:
    """The bundle, and the files that were named by `key` or `roots`. Raises KinprintError on anything else."""
    pairs = [word.split("=", 1) for word in arguments if word.startswith(("key=", "roots="))]
    files = [word.removeprefix("bundle=") for word in arguments if not word.startswith(("key=", "roots="))]
    given = dict(pairs)
    if len(files) != 1 or len(pairs) != len(given) or not all((*files, *given.values())):
        raise KinprintError("verify takes one bundle, and a key if you like: 'kinprint verify FILE key=FILE.pub'")
    return files[0], given
