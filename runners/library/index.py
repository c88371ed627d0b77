"""`kinprint library index path=LIBRARY`: make the search index of a library, or bring it up to date."""

from analysis.libraries.library import Library
from analysis.search.index import update
from runners.library.command import given
from runners.progress import counting


def main(arguments: list[str]) -> int:
    """Append what is new; a run that was interrupted goes on where it stopped."""
    values, _ = given(arguments, {"path": ""})
    library = Library.load(values["path"])
    with counting("indexing references", len(library.members)) as progress:
        appended = update(library, progress.step)
    print(f"{library.folder}\t{len(library.members)} members, {appended} appended")
    return 0
