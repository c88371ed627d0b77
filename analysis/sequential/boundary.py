"""How far innocents get, whenever one stops: the error of a sequential test by replay, with the lineage as the unit.

The answers of one candidate are not independent given a hypothesis: they all come from one training. So no e-values are
multiplied canary by canary. Instead the whole procedure, its choices included, is replayed on every innocent of the
library. A replay is a path, a statistic after each look; the highest that a lineage reaches at any look, over its
models and over all wrong answers, is one draw of what an innocent can reach, and `analysis.descent.null.Spread` models
these draws. A candidate's p-value is that of the highest that it has reached so far, so it holds at any stopping time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.descent.null import FEWEST_LINEAGES, Spread
from probes.errors import LibraryError

Matrix = npt.NDArray[np.float64]


def by_lineage(paths: Matrix, lineages: Sequence[str]) -> tuple[list[str], Matrix]:
    """The highest of each lineage at each look, from paths [n_runs, n_looks]; NaN counts for nothing."""
    names, number = np.unique(np.asarray(lineages), return_inverse=True)
    highest = np.full((len(names), paths.shape[1]), -np.inf)
    np.fmax.at(highest, number, np.where(np.isnan(paths), -np.inf, paths))
    return names.tolist(), highest


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
        others = np.array([_mean_and_spread(np.delete(paths, place, axis=0)) for place in range(n)])
        highest = ((paths - others[:, 0]) / others[:, 1]).max(axis=1)
        return cls(Spread(tuple(highest.tolist())), *_mean_and_spread(paths))

    def p_value(self, path: Sequence[float] | Matrix) -> float:
        """Of a path so far: the chance that an innocent ever gets as far. 1 before the first look."""
        if not len(path):
            return 1.0
        centre, scale = (np.broadcast_to(one, max(len(path), len(one)))[: len(path)] for one in self._scales)
        return self.null.p_value(float(((np.asarray(path) - centre) / scale).max()))

    @property
    def _scales(self) -> tuple[Matrix, Matrix]:
        return self.centre, self.scale

    def passed_at(self, path: Matrix, alpha: float, needed: float = -np.inf) -> int | None:
        """The first look at which the p-value is at most alpha and the statistic at least `needed`; None if none."""
        for look in np.flatnonzero(path >= needed).tolist():
            if self.p_value(path[: look + 1]) <= alpha:
                return int(look)
        return None


def _mean_and_spread(paths: Matrix) -> Matrix:
    """Of one more lineage [2, n_looks], from paths [n_lineages, n_looks]."""
    n = len(paths)
    return np.stack([paths.mean(axis=0), np.maximum(paths.std(axis=0, ddof=1), 1e-9) * np.sqrt(1 + 1 / n)])
