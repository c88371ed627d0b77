"""Whose models are compared: families, lineages, who is related to whom, and who is set beside whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from analysis.benchmark.pair_features import Mask, Matrix, Places
from analysis.benchmark.specimens import Specimen
from analysis.kinship.beside_rivals import Rivals
from analysis.libraries.library import REFERENCES


@dataclass(frozen=True)
class Whose:
    """Families by name, and by number of the models [n_models] and of the references [n_references]; lineages of the
    models by name, and which of these are `candidates` for a family: no base is a descendant of itself. `related`
    [n_models, n_references]: who shares weights, or a teacher; two seeds of one recipe are of one family and are not.
    `references` are the places of the references among the models, `rivals` those that each is set beside.
    """

    families: Sequence[str]
    rows: Places
    columns: Places
    lineages: Sequence[str]
    candidates: Mask
    related: Mask
    references: Places
    rivals: Rivals

    @classmethod
    def of(cls, models: Sequence[Specimen], references: Places) -> Self:
        """The models, of which those at `references` [n_references] are references."""
        names, rows = np.unique([one.family for one in models], return_inverse=True)
        candidates = np.array([one.kind not in REFERENCES for one in models])
        bases = [models[place] for place in references]
        related = np.array([[bool(one.touches & other.touches) for other in bases] for one in models])
        rivals = Rivals.of(
            [one.lineage for one in bases], [one.family for one in bases], [one.vocabulary for one in bases]
        )
        lineages = [one.lineage for one in models]
        return cls(names.tolist(), rows, rows[references], lineages, candidates, related, references, rivals)

    @property
    def same(self) -> Mask:
        """Whether a model and a reference are of one family: [n_models, n_references]."""
        return np.asarray(self.rows[:, None] == self.columns)

    @property
    def kin(self) -> Mask:
        """Whose likeness kinship is learned from: [n_models, n_references]."""
        return np.asarray(self.same & self.related)

    @property
    def strangers(self) -> Mask:
        """Whose likeness it is told from: [n_models, n_references]."""
        return np.asarray(~self.same)

    def even_weights(self, training: Mask) -> Matrix:
        """Weights of the pairs in `training` [n_models, n_references]: every pair of families weighs one."""
        cell = (self.rows[:, None] * len(self.families) + self.columns)[training]
        _, group, sizes = np.unique(cell, return_inverse=True, return_counts=True)
        return np.asarray(1 / sizes[group])
