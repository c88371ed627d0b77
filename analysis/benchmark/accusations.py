"""Who is accused at a threshold that training lineages set: recall of descendants, and innocents accused.

A threshold that just accuses nobody in training accuses whoever of the unseen is more extreme, and with as many unseen
as seen that is half of the time. So it is carried on: as far again above the highest stranger as that one stands above
the middle one, lineage by lineage (with a tail that falls off exponentially the next of n lineages then exceeds it with
a chance of about 1 / n squared); and where nine in ten of the training descendants stand higher still, half way to
them, for strangers of another kind than those in training. Both thresholds are reported, with the margin and without.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.baselines.thresholds import above_strangers
from analysis.benchmark.specimens import Specimen
from analysis.benchmark.splits import folds, outside

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_MOST_DESCENDANTS = 0.1  # quantile


@dataclass
class Accusations:
    """By model: `recalled` where a model and the reference of its own lineage can be asked about, 1 if it is named as a
    descendant (0 also where their vocabularies differ); `accused`, 1 if it is called a descendant of any other lineage.

    The same with the threshold that has no margin: `recalled_bare`, `accused_bare`.
    """

    recalled: dict[int, float] = field(default_factory=dict)
    accused: dict[int, float] = field(default_factory=dict)
    recalled_bare: dict[int, float] = field(default_factory=dict)
    accused_bare: dict[int, float] = field(default_factory=dict)


def with_margin(scores: Matrix, strangers: Mask, lineages: Sequence[str], kin: Mask | None = None) -> float:
    """The threshold with its margin, from scores [n_models, n_references] of strangers; NaN counts for nothing.

    `lineages` [n_models]; `kin` [n_models, n_references] are the pairs of a descendant and its own lineage. Infinite
    with fewer than two lineages: nothing is known of how they differ.
    """
    worst = np.where(strangers & ~np.isnan(scores), scores, -np.inf).max(axis=1, initial=-np.inf)
    by_lineage: dict[str, float] = {}
    for lineage, value in zip(lineages, worst.tolist(), strict=True):
        by_lineage[lineage] = max(by_lineage.get(lineage, -np.inf), value)
    known = [value for value in by_lineage.values() if np.isfinite(value)]
    if len(known) < 2:
        return np.inf
    threshold = float(np.nextafter(2 * max(known) - np.median(known), np.inf))
    related = scores[kin & ~np.isnan(scores)] if kin is not None else np.zeros(0)
    if len(related):
        threshold = max(threshold, (max(known) + float(np.quantile(related, _MOST_DESCENDANTS))) / 2)
    return threshold


def accusations(models: Sequence[Specimen], references: npt.NDArray[np.intp], scores: Matrix) -> Accusations:
    """Fold by fold, the threshold learned from pairs that involve nothing held out, neither model nor reference."""
    found = Accusations()
    lineages = [one.lineage for one in models]
    theirs = np.array([lineages[place] for place in references])
    own = np.array(lineages)[:, None] == theirs
    itself = np.arange(len(models))[:, None] == references
    descended = np.array([one.kind == "descendant" for one in models])[:, None]
    for held_out in folds(models):
        free = np.array([outside(one, held_out) for one in models])
        strangers = free[:, None] & free[references] & ~own
        bare = above_strangers(np.where(strangers, scores, np.nan), ~strangers)
        bare = bare if np.isfinite(bare) else np.inf
        margin = with_margin(scores, strangers, lineages, free[:, None] & free[references] & own & ~itself & descended)
        for place in (place for place, one in enumerate(models) if one.lineage in held_out):
            kin = own[place] & ~itself[place]
            other = ~own[place] & ~np.isnan(scores[place])
            for threshold, recalled, accused in (
                (margin, found.recalled, found.accused),
                (bare, found.recalled_bare, found.accused_bare),
            ):
                if kin.any():
                    recalled[place] = float((np.nan_to_num(scores[place, kin], nan=-np.inf) >= threshold).any())
                if other.any():
                    accused[place] = float((scores[place, other] >= threshold).any())
    return found
