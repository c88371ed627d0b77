"""How far distances are those of a tree: delta scores of quartets (Holland et al. 2002)."""

from itertools import combinations

import numpy as np
import numpy.typing as npt

_MOST = 20_000  # quartets looked at; of more, as many are drawn
_TIE = 1e-9


def mean_delta(distances: npt.NDArray[np.float64]) -> float | None:
    """The mean over quartets of models, from distances [n, n]: 0 for those of a tree, 1 where nothing is like one.

    Of four models, the three sums of opposite distances; delta is the gap between the two larger ones as a share of
    that between the largest and the smallest. None where no quartet tells anything.
    """
    n = len(distances)
    if n * (n - 1) * (n - 2) * (n - 3) // 24 <= _MOST:
        quartets = np.array(list(combinations(range(n), 4)), dtype=np.intp).reshape(-1, 4)
    else:
        keys = np.random.default_rng(0).random((_MOST, n))
        quartets = np.argpartition(keys, 4, axis=1)[:, :4]
    a, b, c, d = quartets.T
    pairings = ((a, b, c, d), (a, c, b, d), (a, d, b, c))
    low, middle, high = np.sort([distances[i, j] + distances[k, m] for i, j, k, m in pairings], axis=0)
    told = high - low > _TIE
    return float(((high - middle)[told] / (high - low)[told]).mean()) if told.any() else None
