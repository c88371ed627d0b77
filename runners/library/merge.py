"""`kinprint library merge A B ... out=LIBRARY version=NAME`: put libraries together."""

from pathlib import Path

from analysis.libraries.files import merge
from analysis.libraries.library import Library
from probes.errors import LibraryError
from runners.library.command import given


def main(arguments: list[str]) -> int:
    """Copy every member once; two different ones of one name are an error."""
    values, folders = given(arguments, {"out": "", "version": ""})
    if len(folders) < 2:
        raise LibraryError("merge takes two libraries or more: 'kinprint library merge A B out=LIBRARY version=NAME'")
    merged = merge([Library.load(folder) for folder in folders], Path(values["out"]), values["version"])
    print(f"{merged.folder}\t{merged.version}\t{len(merged.members)} members of {len(merged.families)} families")
    return 0
