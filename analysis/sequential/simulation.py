"""How often an innocent is accused by a probe that may stop at any look: simulated, lineages drawn with replacement."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analysis.descent.null import FEWEST_LINEAGES
from analysis.sequential.boundary import Judge, Matrix


def false_decisions(
    paths: Mapping[int, Matrix],
    lineages: Sequence[str],
    judge: Callable[[Sequence[str]], Judge],
    alpha: float,
    ready: Mapping[int, npt.NDArray[np.bool_]] | None = None,
    runs: int = 10_000,
    seed: int = 0,
) -> int | None:
    """Of so many null runs, those that ever pass the boundary.

    In each a lineage is drawn, and one of its models; `judge` gives the boundary of as many lineages (names, some of
    them more than once) drawn with replacement from the others, so that a run is judged by nothing that it took part
    in. `paths` [n_looks] by model, `lineages` by model; `ready` [n_looks] says where a decision is allowed. None with
    fewer lineages than a boundary and an innocent outside of it need.
    """
    own = {name: [place for place in paths if lineages[place] == name] for name in {lineages[p] for p in paths}}
    names = sorted(own)
    if len(names) <= FEWEST_LINEAGES:
        return None
    generator, found = np.random.default_rng(seed), 0
    for _ in range(runs):
        drawn = int(generator.integers(len(names)))
        place = int(generator.choice(own[names[drawn]]))
        others = generator.choice(np.delete(np.arange(len(names)), drawn), size=len(names) - 1)
        allowed = np.flatnonzero(ready[place]) if ready is not None else np.arange(len(paths[place]))
        if allowed.size:
            so_far = paths[place][: int(allowed[-1]) + 1]
            found += judge([names[other] for other in others.tolist()]).p_value(so_far) <= alpha
    return found
