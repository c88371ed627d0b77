"""Who is set beside a reference, and what a candidate scores with those.

Rivals are references of the same size with other vocabularies than the reference's, and of other lineages than the
candidate's, so that a stranger is scored as if its true parent were not in the library, and as if nobody else there had
the parent's vocabulary. Where there are none, those with its vocabulary are; where there are none either, what other
lineages score with the reference stands in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UNKNOWN = ""
"""Stands for the lineage of a model of which it is not known; it is nobody's control."""
Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_SAME_SIZE = 1.25
"""Spaces of which the larger has at most so many times the directions of the smaller are of one size."""


@dataclass(frozen=True)
class Models:
    """Who is compared.

    `lineages` [n_models]: the independent training that the weights come from, "" where not known; `vocabularies`
    [n_models]: hashes of the tokenizers, None where not known; `references` [n_references]: the places of those that
    descent is asked about.
    """

    lineages: npt.NDArray[np.str_]
    vocabularies: Sequence[str | None]
    references: Places


def other_vocabularies(models: Models) -> npt.NDArray[np.bool_]:
    """Pairs of references of which each has a vocabulary of its own: [n_references, n_references]."""
    names = np.array([models.vocabularies[place] or UNKNOWN for place in models.references.tolist()])
    return np.asarray(names[:, None] != names)


def same_vocabulary(models: Models, logits: Sequence[npt.NDArray[np.float32] | None]) -> npt.NDArray[np.bool_]:
    """Pairs of two models with the same tokenizer, and logits on both sides: [n_models, n_references]."""
    names = [one if rows is not None else None for one, rows in zip(models.vocabularies, logits, strict=True)]
    return np.array(
        [
            [row != column and names[row] is not None and names[row] == names[column] for column in models.references]
            for row in range(len(names))
        ]
    )


def rivals(lineages: npt.NDArray[np.str_], sizes: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """References of other lineages and about one size: [n_references, n_references]."""
    ratio = np.maximum(sizes, 1)[:, None] / np.maximum(sizes, 1)
    return np.asarray((lineages[:, None] != lineages) & (ratio <= _SAME_SIZE) & (ratio >= 1 / _SAME_SIZE))


def rivals_mean(
    models: Models,
    scores: Matrix,
    sizes: npt.NDArray[np.intp],
    allowed: npt.NDArray[np.bool_],
) -> Matrix:
    """For each pair, the mean score of the candidate with the reference's rivals, NaN where there are none.

    `sizes` [n_references]: rivals are of the same size; `allowed` [n_references, n_references]: who may be whose rival.
    """
    lineage = models.lineages[models.references]
    rival = rivals(lineage, sizes) & allowed
    found = np.full(scores.shape, np.nan)
    for row, own in enumerate(models.lineages):
        mean = mean_beside(scores[row], rival & (lineage != own))
        found[row] = np.where(np.isnan(scores[row]), np.nan, mean)
    return found


def mean_beside(scores: Matrix, beside: npt.NDArray[np.bool_]) -> Matrix:
    """For each reference, the mean of one model's known scores [n_references] with those `beside` it.

    `beside` [n_references, n_references]; NaN where there are none.
    """
    counted = beside & ~np.isnan(scores)
    n = counted.sum(axis=1)
    return np.where(n > 0, counted @ np.nan_to_num(scores) / np.maximum(n, 1), np.nan)


def controls_mean(models: Models, controls: Matrix, scores: Matrix) -> Matrix:
    """For each pair, the mean of `controls` with the reference, of models of other lineages than its own and the
    candidate's.

    Both [n_models, n_references]; every lineage weighs the same; NaN where there are none, or no score.
    """
    theirs, found = models.lineages[models.references], np.full(scores.shape, np.nan)
    names, number = np.unique(models.lineages, return_inverse=True)
    belongs = (np.arange(len(names))[:, None] == number).astype(np.float64)
    known = belongs @ ~np.isnan(controls)
    means = np.where(known > 0, belongs @ np.nan_to_num(controls) / np.maximum(known, 1), np.nan)  # by lineage
    for row, own in enumerate(models.lineages):
        usable = ~np.isnan(means) & (names[:, None] != own) & (names[:, None] != theirs) & (names[:, None] != UNKNOWN)
        total, n = np.where(usable, means, 0).sum(axis=0), usable.sum(axis=0)
        found[row] = np.where((n > 0) & ~np.isnan(scores[row]), total / np.maximum(n, 1), np.nan)
    return found
