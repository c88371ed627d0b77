"""How often each model gave each symbol to each canary, as one sparse matrix a side: what most peers compare.

With a column for each pair of canary and symbol, sums over canaries and symbols are products of matrices.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from analysis.baselines.outputs import Outputs

Counts = Mapping[Any, float]
_BLOCK = 8192  # columns


@dataclass(frozen=True)
class Frequencies:
    """`values` [n_models, n_columns] sparse, each canary's summing to 1; `canary` [n_columns] that a column belongs to;
    `draws` [n_models, n_canaries] answers counted, 0 where there are none."""

    values: Any
    canary: npt.NDArray[np.intp]
    draws: npt.NDArray[np.float64]

    @property
    def present(self) -> npt.NDArray[np.float64]:
        """1 where a model has answers to a canary, else 0: [n_models, n_canaries]."""
        return (self.draws > 0).astype(np.float64)

    def squares(self) -> npt.NDArray[np.float64]:
        """Sums of squared frequencies: [n_models, n_canaries]."""
        columns = np.arange(len(self.canary))
        shape = (len(self.canary), self.draws.shape[1])
        belongs = csr_matrix((np.ones(len(columns)), (columns, self.canary)), shape)
        return np.asarray((self.values.multiply(self.values) @ belongs).todense())


def frequencies(count: Callable[[Outputs], Sequence[Counts]], *sides: Sequence[Outputs]) -> list[Frequencies]:
    """What `count` finds in the models of each side, a mapping a canary; all sides have the same columns."""
    models = {id(model): model for side in sides for model in side}
    columns: dict[tuple[int, Any], int] = {}
    entries: list[float] = []
    places: list[int] = []
    ends, draws = [0], []
    for model in models.values():
        totals = []
        for canary, counts in enumerate(count(model)):
            totals.append(sum(counts.values()))
            for symbol, times in counts.items():
                places.append(columns.setdefault((canary, symbol), len(columns)))
                entries.append(times / totals[-1])
        ends.append(len(places))
        draws.append(totals)
    values = csr_matrix((entries, places, ends), (len(models), len(columns)), dtype=np.float64)
    canaries = np.fromiter((canary for canary, _ in columns), dtype=np.intp, count=len(columns))
    row = {key: number for number, key in enumerate(models)}
    rows = [[row[id(model)] for model in side] for side in sides]
    return [Frequencies(values[side], canaries, np.array(draws, dtype=np.float64)[side]) for side in rows]


def together(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Sums of products over canaries [n, n_canaries] and [m, n_canaries]: of two `present`, the canaries both have."""
    product: npt.NDArray[np.float64] = one @ other.T
    return product


def products(one: Frequencies, other: Frequencies) -> npt.NDArray[np.float64]:
    """Sums over all canaries and symbols of the products of two frequencies: [n, m]."""
    total = np.zeros((one.values.shape[0], other.values.shape[0]))
    left, right = one.values.tocsc(), other.values.tocsc()
    for start in range(0, left.shape[1], _BLOCK):  # dense: most models share most columns
        block = slice(start, start + _BLOCK)
        total += left[:, block].toarray() @ right[:, block].toarray().T
    return total


def mean_over(total: npt.NDArray[np.float64], canaries: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums [n, m] over the canaries that both sides have, as means; NaN where they have none."""
    return np.where(canaries > 0, total / np.maximum(canaries, 1), np.nan)
