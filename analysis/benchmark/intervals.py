"""Figures with their intervals. The lineage is the unit of chance: it is drawn with all of its models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.evaluation.scoring import wilson

_DRAWS = 2000
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A mean with its 95% interval, and the number of independent lineages `n` behind it."""

    value: float
    low: float
    high: float
    n: int


def clustered(values: Sequence[float] | Numbers, lineages: Sequence[str], share: bool = True) -> Figure | None:
    """The mean of values with the percentile interval of a bootstrap over lineages; None of none.

    Where all lineages agree the bootstrap has no width; for a `share` Wilson's interval with as many trials as
    lineages stands in its place.
    """
    return _figure(np.asarray(values, dtype=np.float64), lineages, share)


def paired(ours: Sequence[float], theirs: Sequence[float], lineages: Sequence[str]) -> Figure | None:
    """The mean difference of two methods on the same models, with its interval over lineages."""
    return _figure(np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64), lineages, share=False)


def significantly_behind(difference: Figure | None) -> bool:
    """Whether the whole interval lies below zero."""
    return difference is not None and difference.high < 0


def _figure(values: Numbers, lineages: Sequence[str], share: bool) -> Figure | None:
    known = np.isfinite(values)
    if not known.any():
        return None
    names, cluster = np.unique(np.asarray(lineages)[known], return_inverse=True)
    sums, sizes = np.bincount(cluster, values[known]), np.bincount(cluster)
    value, n = float(values[known].mean()), len(names)
    means = sums / sizes
    if share and np.ptp(means) == 0:
        low, high = wilson(value, n)
        return Figure(value, min(low, value), max(high, value), n)  # rounding can leave 1 - 1e-16
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), _DRAWS)
    low, high = np.quantile((drawn @ sums) / (drawn @ sizes), [0.025, 0.975])
    return Figure(value, float(low), float(high), n)
