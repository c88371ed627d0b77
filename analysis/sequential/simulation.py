"""How often an innocent is accused by a probe that may stop at any look: simulated, lineages drawn with replacement."""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.descent.null import FEWEST_LINEAGES
from analysis.sequential.boundary import Boundary, Matrix, by_lineage


def false_decisions(
    paths: Mapping[int, Matrix],
    lineages: Sequence[str],
    alpha: float,
    needed: float = -np.inf,
    standardise: bool = False,
    runs: int = 10_000,
    seed: int = 0,
) -> int | None:
    """Of so many null runs, those that ever pass the boundary.

    In each a lineage is drawn, and one of its models; the boundary is that of as many lineages drawn with replacement
    from the others, so that a run is judged by nothing that it took part in. `paths` [n_looks] by model, `lineages` by
    model. None with fewer lineages than a boundary and an innocent outside of it need.
    """
    places = [place for place in paths if np.isfinite(paths[place]).any()]
    own = np.array([lineages[place] for place in places])
    if len(set(own.tolist())) <= FEWEST_LINEAGES:
        return None
    stacked = np.array([paths[place] for place in places])
    names, highest = by_lineage(stacked, own.tolist())
    generator, found = np.random.default_rng(seed), 0
    for _ in range(runs):
        drawn = int(generator.integers(len(names)))
        path = stacked[generator.choice(np.flatnonzero(own == names[drawn]))]
        if (path >= needed).any():
            others = generator.choice(np.delete(np.arange(len(names)), drawn), size=len(names) - 1)
            last = int(np.flatnonzero(path >= needed)[-1])
            found += Boundary.of(highest[others], standardise).p_value(path[: last + 1]) <= alpha
    return found
