"""Foreign formats: one a file, named as `format=` names it. Each has `read(source) -> Iterator[Row | BadRow]`."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from probes.errors import KinprintError
from runners.imports.row import BadRow, Row

Reader = Callable[[Path], Iterator[Row | BadRow]]


def reader(name: str) -> Reader:
    """The reader of a format. Raises KinprintError if there is none of that name."""
    known = sorted(entry.name for entry in iter_modules(__path__))
    if name not in known:
        raise KinprintError(f"there is no format {name!r}; known are {', '.join(known)}")
    read: Reader = import_module(f"{__name__}.{name}").read
    return read
