"""How far innocents get, whenever one stops: the error of a sequential test by replay, with the lineage as the unit.

The answers of one candidate are not independent given a hypothesis: they all come from one training. So no e-values are
multiplied canary by canary. Instead the whole procedure, its choices included, is replayed on every innocent of the
library. A replay is a path, a statistic after each look; the highest that a lineage reaches at any look, over its
models and over all wrong answers, is one draw of what an innocent can reach, and `analysis.descent.null.Spread` models
these draws. A candidate's p-value is that of the highest that it has reached so far, so it holds at any stopping time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from analysis.descent.null import FEWEST_LINEAGES, Spread
from probes.errors import LibraryError

Matrix = npt.NDArray[np.float64]


def by_lineage(paths: Mapping[int, Matrix], lineages: Sequence[str]) -> dict[str, Matrix]:
    """The highest of each lineage at each look, from paths [n_looks] by model."""
    highest: dict[str, Matrix] = {}
    for place, path in paths.items():
        name = lineages[place]
        highest[name] = np.fmax(highest[name], path) if name in highest else path
    return highest


@dataclass(frozen=True)
class Boundary:
    """What innocents reach: `null` holds the highest of each independent lineage, on the scale of `centre` and `scale`
    [n_looks], or 0 and 1 where the statistic means the same at every look.
    """

    null: Spread
    centre: Matrix
    scale: Matrix

    @classmethod
    def of(cls, paths: Matrix, standardise: bool = False) -> Self:
        """From paths [n_lineages, n_looks]. Raises LibraryError if there are too few.

        To `standardise`, each lineage is measured by the mean and the spread of all others at that look, as a candidate
        is by those of all.
        """
        n = len(paths)
        if n < FEWEST_LINEAGES:
            raise LibraryError(
                f"the library has {n} independent trainings to replay a probe on, and {FEWEST_LINEAGES} are needed to "
                "know how far innocents get; take a library with more (library=zoo)"
            )
        if not standardise:
            return cls(Spread(tuple(paths.max(axis=1).tolist())), *np.array([[0.0], [1.0]]))
        mean = (paths.sum(axis=0) - paths) / (n - 1)  # of all others
        variance = ((paths**2).sum(axis=0) - paths**2 - (n - 1) * mean**2) / (n - 2)
        highest = ((paths - mean) / _for_one_more(variance, n - 1)).max(axis=1)
        scale = _for_one_more(paths.var(axis=0, ddof=1), n)
        return cls(Spread(tuple(highest.tolist())), paths.mean(axis=0), scale)

    def beside(self, paths: Matrix) -> Self:
        """What innocents of another kind reach [n_lineages, n_looks], measured on the scale of these and taken to
        spread at least as much."""
        highest = ((paths - self.centre) / self.scale).max(axis=1)
        return type(self)(Spread(tuple(highest.tolist()), narrowest=self.null), self.centre, self.scale)

    def p_value(self, path: Matrix) -> float:
        """Of a path so far: the chance that an innocent ever gets as far. 1 before the first look."""
        if not len(path):
            return 1.0
        reached = (np.asarray(path) - self.centre[: len(path)]) / self.scale[: len(path)]
        return self.null.p_value(float(reached.max()))


def _for_one_more(variance: Matrix, n: int) -> Matrix:
    """The spread of what one more lineage shows about the mean of n."""
    return np.sqrt(np.maximum(variance, 1e-18) * (1 + 1 / n))


@dataclass(frozen=True)
class Kinds:
    """Boundaries of innocents of several kinds, too different to be one spread: the kind that got farthest decides."""

    boundaries: tuple[Boundary, ...]

    @property
    def lineages(self) -> int:
        """Of all kinds together."""
        return sum(one.null.lineages for one in self.boundaries)

    def p_value(self, path: Matrix) -> float:
        """Of a path so far."""
        return max(one.p_value(path) for one in self.boundaries)

    def bound(self, path: Matrix) -> float:
        """The upper 95% bound of the share of innocents that get as far, as far as so many lineages can tell."""
        return max(one.null.bound(float(np.max(path))) for one in self.boundaries)


class Judge(Protocol):
    """A boundary, of one kind of innocent or of several."""

    def p_value(self, path: Matrix) -> float:
        """Of a path so far."""
        ...


def passed_at(judge: Judge, path: Matrix, alpha: float, ready: npt.NDArray[np.bool_] | None = None) -> int | None:
    """The first look at which the p-value is at most alpha, of those that are `ready` [n_looks]; None if none."""
    for look in np.flatnonzero(np.ones(len(path), dtype=bool) if ready is None else ready).tolist():
        if judge.p_value(path[: look + 1]) <= alpha:
            return int(look)
    return None
