"""How often independent trainings look as alike as this: measured pairs, shipped with the package as plain numbers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, Literal, Self

from scipy.stats import beta

from probes.errors import LibraryError
from probes.write_whole import write_whole

SHIPPED = Path(__file__).parent / "innocent_pairs.json"
SCHEMA = 1
_DIGITS = 4
Relation = Literal["independent", "descendant"]


@dataclass(frozen=True)
class PairMember:
    """A model that was measured. `lineage` is the independent training that its weights come from."""

    name: str
    kind: str
    lineage: str
    plan: str
    architecture: str
    parameters: int
    digest: str


@dataclass(frozen=True)
class Pair:
    """Two members by their numbers. `same_shape`: their matrices can be compared number by number."""

    a: int
    b: int
    relation: Relation
    same_shape: bool
    values: dict[str, float | None]


@dataclass(frozen=True)
class Rate:
    """How many of `pairs` reach a value, and their `lowest` and `highest`. `upper` bounds the true share, at 95%.

    `independent` is the number of pairs that can be formed of their lineages without using one twice: that many
    trials there are, however many pairs (two pairs with a model in common are no two trials).
    """

    reached: int
    pairs: int
    independent: int
    upper: float
    lowest: float
    highest: float

    @property
    def share(self) -> float:
        """Of all pairs."""
        return self.reached / self.pairs


@dataclass(frozen=True)
class PairsFile:
    """Measured pairs of models whose ancestry is known."""

    made_by: str
    members: tuple[PairMember, ...]
    pairs: tuple[Pair, ...]

    @classmethod
    def load(cls, path: Path = SHIPPED) -> Self:
        """Read a file of pairs. Raises LibraryError where it is missing or of another form."""
        try:
            file = json.loads(path.read_text("utf-8"))
            if file["schema"] != SCHEMA:
                raise LibraryError(f"{path} is of schema {file['schema']}, this version reads {SCHEMA}")
            members = tuple(PairMember(**member) for member in file["members"])
            pairs = tuple(_pair(row, file["measures"]) for row in file["pairs"])
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise LibraryError(f"{path} is no file of measured pairs: {error}") from error
        return cls(file["made_by"], members, pairs)

    def save(self, path: Path, measures: Sequence[str]) -> None:
        """Write the file, whole or not at all; one pair a line."""
        rows = [json.dumps(_row(pair, measures)) for pair in self.pairs]
        head = {
            "schema": SCHEMA,
            "made_by": self.made_by,
            "measures": list(measures),
            "members": [vars(member) for member in self.members],
        }
        write_whole(path, json.dumps(head, indent=1)[:-2] + ',\n "pairs": [\n  ' + ",\n  ".join(rows) + "\n ]\n}\n")

    def without(self, lineage: str) -> Self:
        """As if no model of a lineage had been measured, which is then judged by others alone."""
        touched = {place for place, member in enumerate(self.members) if member.lineage == lineage}
        return replace(self, pairs=tuple(one for one in self.pairs if not {one.a, one.b} & touched))

    def rate(self, measure: str, value: float, counted: Callable[[Pair], bool]) -> Rate | None:
        """How many of the pairs that count are at least so alike; None where none was measured."""
        known = [(pair, found) for pair in self.pairs if counted(pair) and (found := pair.values[measure]) is not None]
        if not known:
            return None
        reached = sum(found >= round(value, _DIGITS) for _, found in known)
        trials = self._independent([pair for pair, _ in known])
        values = [found for _, found in known]
        bound = upper_bound(reached / len(known), trials)
        return Rate(reached, len(known), trials, bound, min(values), max(values))

    def _independent(self, pairs: Sequence[Pair]) -> int:
        """Pairs that have no lineage in common; of descendants and parents, one for each lineage."""
        lineages = [(self.members[pair.a].lineage, self.members[pair.b].lineage) for pair in pairs]
        if all(one == other for one, other in lineages):
            return len({one for one, _ in lineages})
        free, found = {name for both in lineages for name in both}, 0
        for one, other in lineages:
            if one in free and other in free:
                free -= {one, other}
                found += 1
        return found


def independent(pair: Pair) -> bool:
    """Two trainings that have nothing of each other's weights."""
    return pair.relation == "independent"


def independent_of_one_shape(pair: Pair) -> bool:
    """The same, of one architecture and size."""
    return pair.relation == "independent" and pair.same_shape


def descendant(pair: Pair) -> bool:
    """A model and one that was made from its weights."""
    return pair.relation == "descendant"


def upper_bound(share: float, trials: int, level: float = 0.95) -> float:
    """The upper bound of a share seen in so many trials (Clopper, Pearson 1934; 1 - 0.05^(1/n) where none was seen)."""
    reached = ceil(share * trials - 1e-9)
    return 1.0 if reached >= trials else float(beta.ppf(level, reached + 1, trials - reached))


def _pair(row: Sequence[Any], measures: Sequence[str]) -> Pair:
    a, b, relation, same_shape, *values = row
    return Pair(a, b, relation, same_shape, dict(zip(measures, values, strict=True)))


def _row(pair: Pair, measures: Sequence[str]) -> list[Any]:
    values = [None if (one := pair.values[name]) is None else round(one, _DIGITS) for name in measures]
    return [
        pair.a,
        pair.b,
        pair.relation,
        pair.same_shape,
        *(None if one is None else round(one, _DIGITS) for one in values),
    ]
