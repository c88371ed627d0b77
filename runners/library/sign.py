"""`kinprint library sign path=LIBRARY key=FILE`: sign every file of a library."""

from pathlib import Path

from analysis.libraries.library import Library
from analysis.libraries.seal import sign_library
from runners.library.command import given
from runners.signing_key import private_key


def main(arguments: list[str]) -> int:
    """Write envelope.json beside the index."""
    values, _ = given(arguments, {"path": "", "key": ""})
    statement = sign_library(Library.load(values["path"]), private_key(Path(values["key"])))
    print(f"{values['path']}\t{len(statement.subjects)} files signed by {statement.keyid}")
    return 0
