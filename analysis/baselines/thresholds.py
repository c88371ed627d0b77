"""Two honest ways to set a threshold on pairs of training models, whose lineages are known."""

import numpy as np

from analysis.baselines.interface import Kin, Scores
from probes.errors import LibraryError


def above_strangers(scores: Scores, same_lineage: Kin) -> float:
    """The lowest threshold that accuses no training pair of different lineages; -inf if there is none such.

    A pair is called kin from the threshold on. Both are [n_candidates, n_references]; NaN counts for nothing.

    >>> bool(above_strangers(np.array([[0.9, 0.4]]), np.array([[True, False]])) > 0.4)
    True
    """
    strangers = scores[~same_lineage & ~np.isnan(scores)]
    return float(np.nextafter(strangers.max(), np.inf)) if len(strangers) else -np.inf


def abstention(scores: Scores, same_lineage: Kin) -> float:
    """The threshold under which a nearest neighbour is not named, such that training candidates fare best.

    Each candidate is asked twice: as it is, where naming its own lineage is right, and with its lineage taken out of
    the references, where naming nobody is. Between equals the middle one is taken. Raises LibraryError if no candidate
    can be asked either way.
    """
    filled = np.where(np.isnan(scores), -np.inf, scores)
    nearest = filled.max(axis=1)
    right = np.take_along_axis(same_lineage, filled.argmax(axis=1)[:, None], axis=1)[:, 0]
    stranger = np.where(same_lineage, -np.inf, filled).max(axis=1)
    known, unknown = nearest[right & np.isfinite(nearest)], stranger[np.isfinite(stranger)]
    values = np.unique(np.concatenate([known, unknown]))
    if not len(values):
        raise LibraryError("no threshold can be set: no two of the training models can be compared")
    middles = np.concatenate([[values[0]], (values[1:] + values[:-1]) / 2, [np.nextafter(values[-1], np.inf)]])
    fares = [_mean(known >= t) + _mean(unknown < t) for t in middles]
    best = np.flatnonzero(np.isclose(fares, max(fares)))
    return float(middles[best[len(best) // 2]])


def _mean(hits: Kin) -> float:
    return float(hits.mean()) if len(hits) else 0.0
