"""How near a model's nearest neighbour is, among real models and among made ones: quantiles side by side."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from analysis.search.compare import Query
from analysis.search.packed import Packed
from runners.bench.made_library import Shaper
from runners.bench.made_models import FAMILY_SIZE
from runners.bench.row import Row

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_FAMILIES = 4  # of made models, all members of which are compared


def distance_rows(shaper: Shaper) -> Iterator[Row]:
    """`nearest_distance/real/q` and `/made/q`: 1 less the mean next-token affinity with the nearest other model."""
    library = shaper.population.library
    width = len(shaper.shelf.digests)
    real = [shaper.shelf.packed(row) for row in range(len(library.members))]
    models = [shaper.population.model(number, width) for number in range(_FAMILIES * FAMILY_SIZE)]
    made = [Packed.of_bytes(shaper.entry(one).packed, one.name) for one in models]
    for name, packed in (("real", real), ("made", made)):
        nearest = _nearest(packed, shaper.shelf.digests)
        for quantile in QUANTILES:
            yield Row(
                f"nearest_distance/{name}/{quantile:g}", float(np.quantile(nearest, quantile)), None, "1 - affinity"
            )


def _nearest(packed: Sequence[Packed], digests: Sequence[str]) -> npt.NDArray[np.float64]:
    """The distance of each to the nearest of the others: [n]."""
    affinity = np.full((len(packed), len(packed)), -np.inf)
    for i, one in enumerate(packed):
        query = Query({"next_token": one.channels["next_token"]}, len(digests))
        similarity = query.similarities(packed[i:], ["next_token"])[1:, 0]
        affinity[i, i + 1 :] = affinity[i + 1 :, i] = np.nanmean(similarity, axis=1)
    distances: npt.NDArray[np.float64] = 1 - affinity.max(axis=1)
    return distances
