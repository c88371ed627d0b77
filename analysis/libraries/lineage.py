"""What is known of the models of a library: family, parent, and which of them are the same weights."""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probes.errors import LibraryError

_REQUIRED = ("name", "family")


@dataclass(frozen=True)
class Lineage:
    """One line of a lineage file. `weights` names the class of models with the same weights as this one."""

    name: str
    family: str
    parent: str | None
    weights: str


def load_lineage(path: Path) -> dict[str, Lineage]:
    """Read a CSV with the columns `name,family,parent,same_weights_as`, the last two of which may be empty.

    `same_weights_as` is an equivalence: whoever names one another, over however many lines, is one class.
    Raises LibraryError on a missing file or column, an empty name or family, a name that stands twice, and on models
    of the same weights but different families.
    """
    rows = _rows(path)
    classes = _classes([(row["name"], row["same_weights_as"]) for row in rows])
    found: dict[str, Lineage] = {}
    for number, row in enumerate(rows, start=2):
        name, family = row["name"], row["family"]
        if not name or not family:
            raise LibraryError(f"{path}, line {number} leaves the name or the family empty")
        if name in found:
            raise LibraryError(f"{path}, line {number} names {name!r} a second time; every model has one line")
        found[name] = Lineage(name, family, row["parent"] or None, classes[name])
    families: dict[str, Lineage] = {}
    for one in found.values():
        other = families.setdefault(one.weights, one)
        if other.family != one.family:
            raise LibraryError(
                f"{path} says that {other.name!r} and {one.name!r} are the same weights, but of the families "
                f"{other.family!r} and {one.family!r}"
            )
    return found


def unknown_names(lineage: Mapping[str, Lineage], path: Path) -> list[str]:
    """Names that stand in `parent` or `same_weights_as` and have no line of their own, sorted."""
    named = {row[key] for row in _rows(path) for key in ("parent", "same_weights_as")}
    return sorted(named - set(lineage) - {""})


def singletons(lineage: Collection[Lineage]) -> set[str]:
    """Names of the models whose family has no other weights than theirs."""
    weights: dict[str, set[str]] = {}
    for one in lineage:
        weights.setdefault(one.family, set()).add(one.weights)
    return {one.name for one in lineage if len(weights[one.family]) == 1}


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise LibraryError(f"there is no lineage file {path}; it is a CSV with name,family,parent,same_weights_as")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            columns = [(column or "").strip() for column in reader.fieldnames or ()]
            if missing := [column for column in _REQUIRED if column not in columns]:
                raise LibraryError(f"{path} has no column {missing[0]!r}; it needs name,family,parent,same_weights_as")
            reader.fieldnames = columns
            return [_row(values) for values in reader if any(values.values())]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LibraryError(f"{path} is not a CSV file in UTF-8 ({error})") from error


def _row(values: Mapping[str, str | None]) -> dict[str, str]:
    return {key: (values.get(key) or "").strip() for key in ("name", "family", "parent", "same_weights_as")}


def _classes(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The representative of every name's class (union-find)."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        root.setdefault(name, name)
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for name, other in pairs:
        one, two = find(name), find(other or name)
        root[max(one, two)] = min(one, two)
    return {name: find(name) for name in root}
