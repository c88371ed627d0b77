"""What a verdict is computed from beside the answers: the rules, the references by name, the parents asked about."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from analysis.attribution.rules import Rules
from analysis.libraries.library import Library
from probes.errors import BundleError

KINSHIP = "kinship.json"
"""The fitted coefficients, in a bundle."""
SETTINGS = "settings.json"
SCHEMA = 1
_NUMBERS = ("unknown_prior", "regularisation", "doubt", "attributed_at", "unknown_at")
_NAMES = ("channels", "switched_off")


@dataclass(frozen=True)
class Part:
    """Members of a library, by name, and the folder of the bundle that they lie in."""

    folder: str
    members: tuple[str, ...]

    def open(self, bundle: Path) -> Library:
        """The library of these members. Raises BundleError if one is not there, LibraryError if it is damaged."""
        library = Library.load(bundle / self.folder)
        known = {member.name: member for member in library.members}
        if missing := [name for name in self.members if name not in known]:
            raise BundleError(f"the bundle's {self.folder} has no {missing[0]!r}")
        return replace(library, members=tuple(known[name] for name in self.members))


@dataclass(frozen=True)
class Basis:
    """As `settings.json` has it. `rules.kinship` is a file of the bundle; `left_out` is told, and decides nothing more.

    `controls` are where the `parents` stand, None where no descent was asked about.
    """

    rules: Rules
    library: Part
    controls: Part | None
    parents: tuple[str, ...]
    alpha: float
    left_out: Mapping[str, Any]

    def entry(self) -> dict[str, Any]:
        """As JSON."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def of_entry(cls, entry: Mapping[str, Any]) -> Self:
        """The inverse of `entry`, after JSON. Raises BundleError if it is anything else."""
        values = dict(entry)
        if values.pop("schema", None) != SCHEMA:
            raise BundleError(f"{SETTINGS} is of another schema than {SCHEMA}, which this version reads")
        if set(values) != {field.name for field in fields(cls)} or not _is_number(values["alpha"]):
            raise BundleError(f"{SETTINGS} does not hold what a verdict is computed from")
        controls = values["controls"]
        return cls(
            rules=_rules(values["rules"]),
            library=_part(values["library"]),
            controls=None if controls is None else _part(controls),
            parents=_names(values["parents"]),
            alpha=values["alpha"],
            left_out=values["left_out"],
        )


def _rules(values: Any) -> Rules:
    if not isinstance(values, dict) or set(values) != {field.name for field in fields(Rules)}:
        raise BundleError(f"{SETTINGS} has other rules than this version follows")
    prior = values["family_prior"]
    right = (
        all(_is_number(values[name]) for name in _NUMBERS)
        and type(values["min_canaries"]) is int
        and values["kinship"] in (None, KINSHIP)
        and (prior is None or (isinstance(prior, dict) and all(map(_is_number, prior.values()))))
    )
    if not right:
        raise BundleError(f"{SETTINGS} has a rule of the wrong kind")
    return Rules(**{**values, **{name: _names(values[name]) for name in _NAMES}})


def _part(values: Any) -> Part:
    if not isinstance(values, dict) or set(values) != {"folder", "members"}:
        raise BundleError(f"{SETTINGS} does not name a library's members")
    if values["folder"] not in ("library", "controls"):
        raise BundleError(f"{SETTINGS} names the folder {str(values['folder'])[:80]!r}, which no bundle has")
    return Part(values["folder"], _names(values["members"]))


def _names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BundleError(f"{SETTINGS} has something else where names belong")
    return tuple(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
