"""`kinprint library verify path=LIBRARY [key=FILE.pub]`: whether a library is what was signed."""

from pathlib import Path

from analysis.library import Library
from analysis.library_seal import verify_library
from analysis.report.hostile import visible
from probes.errors import BundleError, EvidenceError
from runners.library.command import given
from runners.signing_key import public_key

STANDS, FALLS = 0, 1
_LONGEST = 800


def main(arguments: list[str]) -> int:
    """Returns 0 if it stands, 1 if it does not; a library or a signature that can't be read raises KinprintError."""
    values, _ = given(arguments, {"path": "", "key": None})
    key = public_key(Path(values["key"])) if "key" in values else None
    try:
        statement = verify_library(Library.load(values["path"]), key)
    except EvidenceError as error:
        print(f"does not stand: {visible(str(error), _LONGEST)}")
        return FALLS
    except BundleError as error:  # it may repeat what a stranger wrote
        raise BundleError(visible(str(error), _LONGEST)) from error
    signer = "the key given" if key is not None else "an unknown key"
    print(f"stands: {len(statement.subjects)} files, signed by {signer} (keyid {statement.keyid})")
    return STANDS
