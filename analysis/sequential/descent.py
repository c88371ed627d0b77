"""Shared weights, looked at again and again: the order of questions, and innocents' scores after every look.

What is asked follows the parent's logits, and does not depend on the answers. So a replay of an innocent against a
parent is its scores (`analysis.descent.scores`) on the first rows of the parent's order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import linalg

from analysis.descent.null import FEWEST_CONTROLS, FEWEST_LINEAGES, FEWEST_TAUGHT, FEWEST_VOCABULARIES
from analysis.descent.rivals import Models
from analysis.descent.scores import SpaceScores
from analysis.descent.spaces import weaker
from analysis.one_thread import one_thread
from analysis.sequential.boundary import Boundary, Matrix, by_lineage
from probes.errors import LibraryError

LOOKS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Numbers of canaries after which is looked, `FEWEST_ROWS` first."""
Logits = npt.NDArray[np.float32]


def order_for(logits: Logits, seed: int | None = None) -> list[int]:
    """The order in which to ask, among canaries to which the parent's logits [n_canaries, n_tokens] are known.

    First what shows most of the directions of its space that are looked at, and then each time what shows most that was
    not shown yet: QR with column pivoting. With a `seed`, the order is drawn.
    """
    known = np.flatnonzero(np.isfinite(logits).all(axis=1))
    if seed is not None:
        return [int(place) for place in np.random.default_rng(seed).permutation(known)]
    _, pivots = linalg.qr(weaker(logits[known]).T, mode="r", pivoting=True)
    return [int(place) for place in known[pivots]]


@dataclass
class DescentReplay:
    """`logits` [n_canaries, n_tokens] of every model, None where it shows none; `teachers` [n_models] the lineages that
    taught them, `innocents` [n_models] who may be looked at as one. At most `most` canaries are asked, in the order of
    `order_for`, with a `seed` drawn; in `asked`, by place, of references that were asked in another.
    """

    models: Models
    logits: Sequence[Logits | None]
    teachers: Sequence[str | None]
    innocents: npt.NDArray[np.bool_]
    most: int = 64
    seed: int | None = None
    asked: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of canaries."""
        n = next((len(one) for one in self.logits if one is not None), 0)
        return tuple(look for look in LOOKS if look <= min(self.most, n))

    @cached_property
    def orders(self) -> list[Sequence[int]]:
        """The canaries in the order in which they are asked, for each reference."""
        return [self._order(int(place)) for place in self.models.references]

    def _order(self, place: int) -> Sequence[int]:
        logits = self.logits[place]
        return self.asked.get(place) or ([] if logits is None else order_for(logits, self.seed))

    @property
    def theirs(self) -> npt.NDArray[np.str_]:
        """The lineages of the references."""
        return self.models.lineages[self.models.references]

    @one_thread()
    def paths(self, step: Callable[[], object] = lambda: None) -> Matrix:
        """Scores after each look, with every reference as the parent: [n_models, n_references, n_looks].

        Of models with the parent's vocabulary: of innocents these come closest. NaN for others and the model itself.
        `step` is called once a reference.
        """
        found = np.full((len(self.logits), len(self.models.references), len(self.looks)), np.nan)
        scores = SpaceScores(self.models, self.logits)
        for column, place in enumerate(self.models.references.tolist()):
            name = self.models.vocabularies[place]
            rows = np.flatnonzero([name is not None and name == other for other in self.models.vocabularies])
            for look, size in enumerate(self.looks if self.logits[place] is not None else ()):
                found[rows, column, look] = scores.with_reference(column, np.array(self.orders[column][:size]), rows)
            step()
        return found

    def controls(self, paths: Matrix) -> npt.NDArray[np.intp]:
        """Independent lineages with each reference's vocabulary: [n_references]."""
        own = self.models.lineages[self.innocents]
        known = np.isfinite(paths[self.innocents, :, -1]) & (own[:, None] != self.theirs)
        return np.array([len(set(own[column].tolist())) for column in known.T], dtype=np.intp)

    def controlled(self, paths: Matrix) -> npt.NDArray[np.bool_]:
        """References that have enough of them; for others vocabularies have to stand in: [n_references]."""
        return np.asarray(self.controls(paths) >= FEWEST_CONTROLS)

    def decidable(self, paths: Matrix) -> npt.NDArray[np.bool_]:
        """References about which something can be said: [n_references]."""
        names = [self.models.vocabularies[place] for place in self.models.references.tolist()]
        shared = {name for name, n in zip(names, self.controls(paths).tolist(), strict=True) if n}
        return self.controlled(paths) | (len(shared) >= FEWEST_VOCABULARIES)

    def wrong(self, paths: Matrix, among: npt.NDArray[np.bool_] | None = None) -> "Wrong":
        """The highest that innocents score with a parent that is none of theirs, after each look; of references
        `among` alone, if it is given."""
        vocabularies = [name or "" for name in self.models.vocabularies]
        found = Wrong([str(one) for one in self.models.lineages], vocabularies, {}, {})
        for row in np.flatnonzero(self.innocents).tolist():
            known = np.isfinite(paths[row]).all(axis=1) & (self.theirs != self.models.lineages[row])
            known &= True if among is None else among
            taught = known & (self.theirs == self.teachers[row])
            for which, columns in ((found.strangers, known & ~taught), (found.taught, taught)):
                if columns.any():
                    which[row] = paths[row, columns].max(axis=0)
        return found


@dataclass(frozen=True)
class Wrong:
    """Paths [n_looks] by model: of `strangers` with anybody, of the `taught` with their teachers."""

    lineages: list[str]
    vocabularies: list[str]
    strangers: dict[int, Matrix]
    taught: dict[int, Matrix]

    def boundary(self, controlled: bool, without: str | None = None) -> "DescentBoundary":
        """Of all lineages, or all but one. Raises LibraryError if they are too few."""
        return self.judge([name for name in set(self.lineages) if name != without], controlled)

    def judge(self, names: Sequence[str], controlled: bool = True) -> "DescentBoundary":
        """Of some lineages, by name; where a parent is not `controlled`, of vocabularies as well.

        Raises LibraryError if they are too few.
        """
        strangers, taught = (
            np.array([one[name] for name in names if name in one])
            for one in (by_lineage(self.strangers, self.lineages), by_lineage(self.taught, self.lineages))
        )
        if len(strangers) < FEWEST_LINEAGES:
            raise LibraryError(
                f"the library has {len(strangers)} independent trainings to compare with, and {FEWEST_LINEAGES} are "
                "needed"
            )
        boundary = Boundary.of(strangers, standardise=True)
        others = [boundary.beside(taught)] if len(taught) >= FEWEST_TAUGHT else []
        students = bool(others)
        if not controlled:
            there = {place: path for place, path in self.strangers.items() if self.lineages[place] in set(names)}
            others.append(boundary.beside(np.array(list(by_lineage(there, self.vocabularies).values()))))
        return DescentBoundary(boundary, tuple(others), students)


@dataclass(frozen=True)
class DescentBoundary:
    """How far strangers get; and `others`: those whom a parent taught, where there are enough of them (`students`), and
    the vocabularies that stand in for the parent's."""

    strangers: Boundary
    others: tuple[Boundary, ...]
    students: bool

    def p_value(self, path: Matrix) -> float:
        """The largest of all."""
        return max(kind.p_value(path) for kind in (self.strangers, *self.others))
