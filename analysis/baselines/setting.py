"""A peer at its best: the setting that tells kin from strangers best among training lineages, and its threshold."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from analysis.baselines.interface import Baseline, Kin, Scores
from analysis.baselines.outputs import Outputs
from probes.errors import LibraryError


@dataclass(frozen=True)
class Chosen:
    """A peer with the setting that was chosen, the threshold that goes with it, and how well it did in training.

    `auc` is the area under the ROC curve of training pairs, every pair of lineages weighing the same.
    """

    baseline: Baseline
    threshold: float
    auc: float

    @property
    def setting(self) -> dict[str, Any]:
        """The setting by name."""
        return asdict(self.baseline)  # type: ignore[call-overload, no-any-return]  # a protocol can't ask for a dataclass


def choose(baseline: Baseline, training: Sequence[Outputs]) -> Chosen:
    """The best of a peer's settings on training models of known lineage; between equals the paper's own.

    Raises LibraryError if the models are all of one lineage, or none has a relative.
    """
    return best_of([(setting, setting.scores(training, training)) for setting in baseline.grid()], training)


def best_of(
    tried: Sequence[tuple[Baseline, Scores]], training: Sequence[Outputs], references: Sequence[Outputs] | None = None
) -> Chosen:
    """As `choose`, from the scores [n_models, n_references] of training models that each setting gave.

    `references` are those of the training models that the others are compared with, by default all of them.
    """
    references = training if references is None else references
    same, pairs = kin_of(training, references)
    if not same[pairs].any() or same[pairs].all():
        raise LibraryError("a peer's setting needs training models of two lineages, and two of one of them")
    areas = [_area(scores, same, pairs, training, references) for _, scores in tried]
    best, scores = tried[int(np.argmax(areas))]
    return Chosen(best, best.threshold(np.where(pairs, scores, np.nan), same), max(areas))


def kin_of(models: Sequence[Outputs], references: Sequence[Outputs]) -> tuple[Kin, Kin]:
    """Which pairs are of one lineage, and which are pairs of two models at all: both [n_models, n_references]."""
    sides = [np.array([[one.lineage, one.name] for one in side]) for side in (models, references)]
    same: Kin = sides[0][:, None] == sides[1]
    return same[..., 0], ~same[..., 1]


def _area(scores: Scores, same: Kin, pairs: Kin, models: Sequence[Outputs], references: Sequence[Outputs]) -> float:
    """Weighted area under the ROC curve; a pair without a score is the least alike."""
    from sklearn.metrics import roc_auc_score

    names = [one.lineage for one in models] + [one.lineage for one in references]
    _, lineage = np.unique(names, return_inverse=True)
    cell = lineage[: len(models), None] * len(names) + lineage[len(models) :]
    sizes = np.bincount(cell[pairs])
    known = scores[np.isfinite(scores)]
    filled = np.where(np.isnan(scores), (known.min() if len(known) else 0) - 1, scores)
    return float(roc_auc_score(same[pairs], filled[pairs], sample_weight=1 / sizes[cell[pairs]]))
