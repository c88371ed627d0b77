"""Opening a library for one candidate: through its search index where it is large, so that it is never read whole."""

from pathlib import Path

from analysis.attribution.rules import Rules
from analysis.libraries.library import Library
from analysis.search.index import FOLDER, SEARCH, SearchIndex
from analysis.search.nearest import Search
from analysis.signatures.signature import Signature
from probes.errors import KinprintError
from runners.settings import LeaveOutSettings, LibrarySettings

SEARCHES = {
    "auto": "through its search index if it has one and more than LARGE members",
    "always": "through its search index, however small it is",
    "never": "with every member",
}
"""How a candidate is compared with a library."""
LARGE = 500
"""Members up to which comparing with every one takes seconds; the verdict is then what it always was."""


def nearest(
    candidate: Signature, library: LibrarySettings, leave_out: LeaveOutSettings, rules: Rules
) -> Library | None:
    """The library of the references nearest to a candidate; None where every member is to be looked at.

    Raises KinprintError on a way of searching that there is not, LibraryError where there is no index and has to be.
    """
    if library.search not in SEARCHES:
        raise KinprintError(f"library.search is {library.search!r}; known are {', '.join(SEARCHES)}")
    if library.search == "never" or library.path is None or library.lineage is not None:
        return None
    folder = Path(library.path)
    if library.search == "auto" and not (folder / FOLDER / SEARCH).is_file():
        return None
    index = SearchIndex.open(folder)
    if library.search == "auto" and sum(index.sizes.values()) <= LARGE:
        return None
    left = index.without(leave_out.families, leave_out.techniques, leave_out.names)
    return Search(left, rules).narrowed(candidate)
