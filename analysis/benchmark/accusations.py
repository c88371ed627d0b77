"""Who is accused at a threshold that training lineages set: recall of descendants, and innocents accused.

A threshold that just accuses nobody in training accuses whoever of the unseen is more extreme, and with as many unseen
as seen that is half of the time. So it is carried on: as far again above the highest stranger as that one stands above
the middle one, lineage by lineage (with a tail that falls off exponentially the next of n lineages then exceeds it with
a chance of about 1 / n squared), for strangers and for those taught by the reference's lineage each by themselves (they
are two kinds of innocents in the descent test, too); and where nine in ten of the training descendants stand higher
still, half way to them, for strangers of another kind than those in training. Both thresholds are reported, with the
margin and without, and what the descent test says at alpha (analysis.descent): its null learned from the same training
lineages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.baselines.thresholds import above_strangers
from analysis.benchmark.specimens import Specimen
from analysis.benchmark.splits import clusters, outside
from analysis.descent.innocents import Innocents
from analysis.descent.null import p_value
from analysis.descent.rivals import Models
from analysis.libraries.library import REFERENCES, TAUGHT

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_MOST_DESCENDANTS = 0.1  # quantile
ALPHA = 0.01
"""Of the descent test. The parent tried is the likeliest: the null is of the highest score with anybody, and so allows
for the choice."""


@dataclass
class Accusations:
    """By model: `recalled` where a model and the reference of its own lineage can be asked about, 1 if it is named as a
    descendant (0 also where their vocabularies differ); `accused`, 1 if it is called a descendant of any other lineage.

    The same with the threshold that has no margin: `recalled_bare`, `accused_bare`; and by the descent test at `ALPHA`:
    `recalled_at_alpha`, `accused_at_alpha`.
    """

    recalled: dict[int, float] = field(default_factory=dict)
    accused: dict[int, float] = field(default_factory=dict)
    recalled_bare: dict[int, float] = field(default_factory=dict)
    accused_bare: dict[int, float] = field(default_factory=dict)
    decided_at_alpha: dict[int, float] = field(default_factory=dict)
    recalled_at_alpha: dict[int, float] = field(default_factory=dict)
    accused_at_alpha: dict[int, float] = field(default_factory=dict)


def with_margin(
    scores: Matrix,
    strangers: Mask,
    lineages: Sequence[str],
    kin: Mask | None = None,
    taught: Mask | None = None,
) -> float:
    """The threshold with its margin, from scores [n_models, n_references] of strangers; NaN counts for nothing.

    `lineages` [n_models]; `kin` [n_models, n_references] are the pairs of a descendant and its own lineage, `taught`
    those of strangers whose teacher is of the reference's lineage. Infinite with fewer than two lineages: nothing is
    known of how they differ.
    """
    kinds = [strangers] if taught is None else [strangers & ~taught, strangers & taught]
    highest = [_highest(scores, kind, lineages) for kind in kinds]
    if len(highest[0]) < 2:
        return np.inf
    known = [value for kind in highest for value in kind]
    threshold = max(float(np.nextafter(2 * max(kind) - np.median(kind), np.inf)) for kind in highest if kind)
    related = scores[kin & ~np.isnan(scores)] if kin is not None else np.zeros(0)
    if len(related):
        threshold = max(threshold, (max(known) + float(np.quantile(related, _MOST_DESCENDANTS))) / 2)
    return threshold


def _highest(scores: Matrix, pairs: Mask, lineages: Sequence[str]) -> list[float]:
    """The highest score that each lineage reaches among these pairs."""
    worst = np.where(pairs & ~np.isnan(scores), scores, -np.inf).max(axis=1, initial=-np.inf)
    by_lineage: dict[str, float] = {}
    for lineage, value in zip(lineages, worst.tolist(), strict=True):
        by_lineage[lineage] = max(by_lineage.get(lineage, -np.inf), value)
    return [value for value in by_lineage.values() if np.isfinite(value)]


def accusations(
    models: Sequence[Specimen],
    references: npt.NDArray[np.intp],
    scores: Matrix,
    needs_students: bool = False,
    alpha: float = ALPHA,
) -> Accusations:
    """For each lineage, with those that a teacher ties it to, the threshold learned from pairs that involve none of it,
    neither model nor reference.

    What rivals say of a pair was taken out before, references held out among them: the scores are what they are with
    the whole library there. Who is accused is tested as if its own lineage were not in the library.

    `needs_students`: the scores follow what was taught, so that the descent test says nothing without students.
    `alpha`: of that test.
    """
    found = Accusations()
    lineages = [one.lineage for one in models]
    theirs = np.array([lineages[place] for place in references])
    own = np.array(lineages)[:, None] == theirs
    itself = np.arange(len(models))[:, None] == references
    descended = np.array([one.kind == "descendant" for one in models])[:, None]
    taught = np.array([[name == one.taught_by for name in theirs.tolist()] for one in models])
    for held_out in clusters(models):
        free = np.array([outside(one, held_out) for one in models])
        strangers = free[:, None] & free[references] & ~own
        bare = above_strangers(np.where(strangers, scores, np.nan), ~strangers)
        bare = bare if np.isfinite(bare) else np.inf
        related = free[:, None] & free[references] & own & ~itself & descended
        margin = with_margin(scores, strangers, lineages, related, taught)
        innocents = innocents_of(models, references, scores, free)
        for place in (place for place, one in enumerate(models) if one.lineage in held_out):
            kin = own[place] & ~itself[place]
            other = ~own[place] & ~np.isnan(scores[place])
            filled = np.nan_to_num(scores[place], nan=-np.inf)
            stranger = np.where(own[place], np.nan, scores[place])  # as if its own lineage were not in the library
            likeliest, rival = (_decidable(one, innocents, needs_students) for one in (scores[place], stranger))
            found.decided_at_alpha[place] = float(likeliest is not None)
            at_alpha = _rejected(scores[place], innocents, likeliest, alpha)
            called = _rejected(stranger, innocents, rival, alpha)
            for named, wrongly, recalled, accused in (
                (filled >= margin, filled >= margin, found.recalled, found.accused),
                (filled >= bare, filled >= bare, found.recalled_bare, found.accused_bare),
                (at_alpha, called, found.recalled_at_alpha, found.accused_at_alpha),
            ):
                if kin.any():
                    recalled[place] = float(named[kin].any())
                if other.any():
                    accused[place] = float(wrongly[other].any())
    return found


def innocents_of(models: Sequence[Specimen], references: npt.NDArray[np.intp], scores: Matrix, free: Mask) -> Innocents:
    """As the descent test has them, from models and references that may be looked at."""
    rows = np.flatnonzero([free[place] and one.kind in (*REFERENCES, *TAUGHT) for place, one in enumerate(models)])
    compared = Models(np.array([one.lineage for one in models]), [one.vocabulary for one in models], references)
    teachers = [models[row].taught_by for row in rows.tolist()]
    return Innocents.of(compared, scores, rows, np.flatnonzero(free[references]), teachers)


def _decidable(scores: npt.NDArray[np.float64], innocents: Innocents, needs_students: bool) -> int | None:
    """The place of the highest of one model's scores [n_references]; None where nothing can be decided about it."""
    if np.isnan(scores).all() or (needs_students and not innocents.enough_taught):
        return None
    likeliest = int(np.nanargmax(scores))
    return None if innocents.too_few(likeliest, "") else likeliest


def _rejected(scores: npt.NDArray[np.float64], innocents: Innocents, likeliest: int | None, alpha: float) -> Mask:
    """Of one model's scores [n_references], the highest if "trained independently" is rejected there."""
    named = np.zeros(len(scores), dtype=bool)
    if likeliest is not None:
        named[likeliest] = p_value(float(scores[likeliest]), innocents.null(likeliest))[0] <= alpha
    return named
