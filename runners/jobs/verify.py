"""`kinprint verify FILE`: does a bundle stand? Needs no network, no engine and no configuration."""

from pathlib import Path

from analysis.bundle.verify import verify
from probes.errors import EvidenceError, KinprintError
from runners.signing_key import public_key

_HELP = """kinprint verify: check an evidence bundle, and compute its verdict again (docs/bundle.md)

example: kinprint verify evidence.kinprint.zip key=theirs.pub

  FILE       the bundle
  key=FILE   the public key of who should have signed it, in PEM; without one, any key's signature will do

Exit status 0: stands. 1: does not stand. 2: is no bundle that can be read."""
STANDS, FALLS = 0, 1


def main(arguments: list[str]) -> int:
    """The command line's entry; returns whether the bundle stands as an exit status."""
    if not arguments or any(word in ("-h", "--help") for word in arguments):
        print(_HELP)
        return 0
    bundle, key_file = _given(arguments)
    key = None if key_file is None else public_key(Path(key_file))
    try:
        found = verify(Path(bundle), key)
    except EvidenceError as error:
        print(f"does not stand: {' '.join(str(error).split())}")
        return FALLS
    signer = "the key given" if key is not None else "an unknown key"
    print(f"stands: {found.verdict} Signed by {signer} (keyid {found.statement.keyid}).")
    for note in found.notes:
        print(f"note: {note}")
    return STANDS


def _given(arguments: list[str]) -> tuple[str, str | None]:
    """The bundle and the key. Raises KinprintError on anything else."""
    keys = [word.removeprefix("key=") for word in arguments if word.startswith("key=")]
    files = [word.removeprefix("bundle=") for word in arguments if not word.startswith("key=")]
    if len(files) != 1 or len(keys) > 1 or not all((*files, *keys)):
        raise KinprintError("verify takes one bundle and at most one key: 'kinprint verify FILE key=FILE.pub'")
    return files[0], keys[0] if keys else None
