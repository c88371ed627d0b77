"""`kinprint key new FILE`: a key to sign evidence with."""

from pathlib import Path

from analysis.bundle.envelope import keyid_of
from probes.errors import KinprintError
from runners.signing_key import VARIABLE, new_key, public_key

_HELP = f"""kinprint key: a key to sign bundles and plans with

example: kinprint key new evidence.key

  new FILE    write a private Ed25519 key to FILE (mode 600) and the public one, which you give away, to FILE.pub;
              the private key is encrypted where {VARIABLE} holds a passphrase
  show FILE   print the name of a public key: the SHA-256 of its DER form, as bundles have it"""


def main(arguments: list[str]) -> int:
    """The command line's entry; prints no key, only names."""
    if not arguments or any(word in ("-h", "--help") for word in arguments):
        print(_HELP)
        return 0
    action, *rest = arguments
    names = [word.removeprefix("out=") for word in rest]
    if action not in ("new", "show") or len(names) != 1 or not names[0]:
        raise KinprintError("key takes an action and a file: 'kinprint key new FILE' or 'kinprint key show FILE.pub'")
    path = new_key(Path(names[0])) if action == "new" else Path(names[0])
    print(f"{path}\t{keyid_of(public_key(path))}")
    return 0
