"""A table of the page: its caption, its headings, and cells that are ready to be printed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True)
class Table:
    """`headings` of the columns; the first cell of a row is its heading. `numbers` says which columns hold numbers."""

    caption: Markup
    headings: Sequence[Markup]
    rows: Sequence[Sequence[Markup | str]]
    numbers: frozenset[int] = field(default_factory=frozenset)
