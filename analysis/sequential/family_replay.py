"""The family probe replayed on every model of a library: as one whose family is known, and with its family taken out.

What is fitted sees no pair that involves a lineage held out, nor a candidate of its technique; an unknown model's
family is taken out of the references as well (as analysis.benchmark.family has it).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from analysis.attribution.rules import Rules
from analysis.benchmark.compared import Compared
from analysis.benchmark.pair_features import Mask, Matrix, Places
from analysis.benchmark.specimens import Specimen
from analysis.benchmark.splits import known_candidates, training_pairs
from analysis.benchmark.whose import Whose
from analysis.descent.null import FEWEST_LINEAGES, Spread
from analysis.one_thread import one_thread
from analysis.sequential.boundary import Boundary, Kinds, by_lineage
from analysis.sequential.family import FIRST, FamilySteps, Order
from analysis.sequential.learned import Learned, Teacher
from analysis.sequential.shared import SharedAtLooks
from probes.errors import LibraryError

_LEAST = {"family": 1.0, "unknown": 1.5}
"""Nats that independent trainings are taken to vary by at least: where all stay at a bound, no spread is seen. Towards
`unknown` students do where hardly anybody else does, few as they are."""


@dataclass(frozen=True)
class How:
    """How a probe asks: in which order, how many canaries a look, how many in all, how many before the first look.

    `seed` draws a random order.
    """

    order: Order = "informative"
    batch: int = 1
    most: int = 64
    first: int = FIRST["topk"]
    seed: int = 0


class Path(NamedTuple):
    """After every look [n_looks]: the `evidence` for a hypothesis, and the `log_odds` that doubt leaves of it."""

    evidence: Matrix
    log_odds: Matrix


@dataclass
class FamilyPaths:
    """By model: of the most likely `wrong` family where its own was taken out, and of `unknown_there` then; of the
    `right` family where it was there, and of `unknown` then.

    `sharing`: lineages with the tokenizer of another family's references. They get farther towards that family than
    others towards any, and so are innocents of a kind of their own.
    """

    lineages: list[str]
    sharing: frozenset[str] = frozenset()
    looks: list[int] = field(default_factory=list)
    wrong: dict[int, Path] = field(default_factory=dict)
    unknown_there: dict[int, Path] = field(default_factory=dict)
    right: dict[int, Path] = field(default_factory=dict)
    unknown: dict[int, Path] = field(default_factory=dict)

    def boundaries(self, without: str | None = None) -> "FamilyBoundaries":
        """From all lineages, or all but one. Raises LibraryError if they are too few."""
        names = [
            sorted({self.lineages[place] for place in one} - {without or ""}) for one in (self.wrong, self.unknown)
        ]
        return FamilyBoundaries(self.judge("family")(names[0]), self.judge("unknown")(names[1]))

    def judge(self, what: Literal["family", "unknown"]) -> Callable[[Sequence[str]], Kinds]:
        """The boundary of some lineages, by name."""
        highest = by_lineage(evidence_of(self.wrong if what == "family" else self.unknown), self.lineages)
        least = _LEAST[what]

        def judged(names: Sequence[str]) -> Kinds:
            alike = [name for name in names if what == "family" and name in self.sharing]
            apart = [name for name in names if name not in alike]
            enough = min(len(alike), len(apart)) >= FEWEST_LINEAGES
            kinds = (alike, apart) if enough else (names,)  # fewer can't be told from a few that are odd
            if len(names) < FEWEST_LINEAGES:
                raise LibraryError(
                    f"the library has {len(names)} independent trainings to replay a probe on, and {FEWEST_LINEAGES} "
                    "are needed to know how far innocents get; take a library with more (library=zoo)"
                )
            spreads = [Spread(tuple(float(highest[name].max()) for name in one), least=least) for one in kinds if one]
            return Kinds(tuple(Boundary(one, *np.array([[0.0], [1.0]])) for one in spreads))

        return judged


def evidence_of(paths: Mapping[int, Path]) -> dict[int, Matrix]:
    """By model, what its p-value is of."""
    return {place: path.evidence for place, path in paths.items()}


@dataclass(frozen=True)
class FamilyBoundaries:
    """How far models get towards a family that is not theirs, and known ones towards `unknown`."""

    family: Kinds
    unknown: Kinds

    def p_values(self, evidence: Sequence[Matrix]) -> Matrix:
        """Of each hypothesis, from rows of evidence [n_families + 1] look by look: [n_families + 1]."""
        paths = np.array(evidence).T
        return np.array([*map(self.family.p_value, paths[:-1]), self.unknown.p_value(paths[-1])])


class FamilyReplay:
    """All models of one access, compared with its references."""

    def __init__(
        self,
        models: Sequence[Specimen],
        references: Places,
        compared: Compared,
        how: How,
        rules: Rules | None = None,
        shared: SharedAtLooks | None = None,
    ) -> None:
        self.models, self.references, self.how = list(models), references, how
        whose = Whose.of(models, references)
        self.families, self.rows, self.columns = whose.families, whose.rows, whose.columns
        self.teacher = Teacher(compared, whose, references, rules or Rules(), how.most, shared)

    def learned(self) -> Learned | None:
        """From everybody, for a candidate that is nobody of the library."""
        return self.teacher.teach(self.teacher.different, np.arange(len(self.references)))

    @property
    def rounds(self) -> int:
        """How often `run` calls its `step`."""
        return len(list(self._known())) + len(self.families)

    @one_thread()
    def run(self, step: Callable[[], object] = lambda: None) -> FamilyPaths:
        """Replay everybody."""
        found = FamilyPaths([one.lineage for one in self.models], self._sharing())
        for held_out, technique, tested in self._known():
            everybody = np.arange(len(self.references))
            learned = self.teacher.teach(self._training(held_out, technique), everybody, held_out)
            for place in tested if learned is not None else ():
                evidence, odds = self._replay(found, learned, place, slice(None))
                theirs = np.searchsorted(np.unique(self.columns), self.rows[place])
                found.right[place] = Path(evidence[:, theirs], odds[:, theirs])
                found.unknown[place] = Path(evidence[:, -1], odds[:, -1])
            step()
        for family in range(len(self.families)):
            self._unknown(found, family)
            step()
        return found

    def _unknown(self, found: FamilyPaths, family: int) -> None:
        there = np.flatnonzero(self.columns != family)
        theirs = frozenset(one.lineage for one, number in zip(self.models, self.rows, strict=True) if number == family)
        learned = (
            self.teacher.teach(self._training(theirs, family=family), there, absent=theirs) if len(there) else None
        )
        for place in np.flatnonzero(self.rows == family).tolist() if learned is not None else ():
            evidence, odds = self._replay(found, learned, place, there, theirs)
            found.wrong[place] = Path(evidence[:, :-1].max(axis=1), odds[:, :-1].max(axis=1))
            found.unknown_there[place] = Path(evidence[:, -1], odds[:, -1])

    def _replay(
        self,
        found: FamilyPaths,
        learned: Learned | None,
        place: int,
        there: Places | slice,
        absent: frozenset[str] = frozenset(),
    ) -> tuple[Matrix, Matrix]:
        """Evidence and log odds after every look: [n_looks, n_families + 1] both.

        References `there` count, lineages `absent` nowhere.
        """
        assert learned is not None
        steps = FamilySteps(learned, self.how.order, place, self.how.first)
        looks = self.teacher.shared
        shared = None if looks is None else lambda asked: looks.of(place, asked, absent)[there]
        while len(steps.asked) < self.how.most and (batch := steps.next_batch(self.how.batch)):
            asked = [*steps.asked, *batch]
            standing = self.teacher.rivals.standing(learned.usual, place, asked, absent)[:, there]
            steps.tell(batch, self.teacher.compared.on(place, there, asked), standing, shared)
        found.looks = steps.looks
        return np.array(steps.evidence), np.array(steps.log_odds)

    def _sharing(self) -> frozenset[str]:
        """Lineages with the tokenizer of a reference of another family."""
        names = [one.vocabulary for one in self.models]
        pairs = [(place, one) for place in range(len(names)) for one in self.references.tolist()]
        alike = [(p, r) for p, r in pairs if names[p] is not None and names[p] == names[r]]
        return frozenset(self.models[p].lineage for p, r in alike if self.rows[p] != self.rows[r])

    def _known(self) -> Iterator[tuple[frozenset[str], str | None, list[int]]]:
        """Lineages held out, technique held out, and the models to test: those with a family in the library."""
        yield from known_candidates(self.models, self.rows, self.references)

    def _training(self, held_out: frozenset[str], technique: str | None = None, family: int = -1) -> Mask:
        """The pairs that may be learned from: [n_models, n_references]."""
        return training_pairs(self.models, self.rows, self.references, held_out, technique, family)
