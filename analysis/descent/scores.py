"""Weights shared with this reference: how much of a candidate's logits lies in the reference's space, beside rivals.

A score is 0 where the reference explains as little as its rivals do (analysis.descent.rivals), or, where there are
none, as is expected of random spaces; 1 for a copy (analysis.descent.spaces).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.descent.aligned import rows_for
from analysis.descent.overlaps import Overlaps
from analysis.descent.rivals import Matrix, Models, Places, controls_mean, other_vocabularies, rivals, rivals_mean
from analysis.descent.spaces import known_rows, space_of

_RIVALS = 8


@dataclass
class SpaceScores:
    """Scores of pairs of models; `logits` [n_canaries, n_tokens] are of the same tokens, None where not known."""

    models: Models
    logits: Sequence[npt.NDArray[np.float32] | None]
    _spaces: dict[int, Matrix] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        given = [(int(place), self.logits[place]) for place in self.models.references]
        self._spaces = {place: space_of(known_rows(rows)) for place, rows in given if rows is not None}

    def __call__(self, canaries: Places, named: int | None = None, most: int | None = None) -> Matrix:
        """[n_models, n_references] from -1 to 1, NaN for the model itself, and where rows are too few.

        `most` directions of everybody's rows are looked at, the strongest; None where all are.
        """
        return self.explained(canaries, named, most).beyond_rivals()

    def explained(
        self, canaries: Places, named: int | None = None, most: int | None = None, about: int | None = None
    ) -> "Explained":
        """What the scores are made of; with `about`, all that those of one model take and no more."""
        sizes = self._sizes()
        if about is None:
            return Explained(self.models, sizes, *self._plain(canaries, named, most))
        plain, chance = self._plain(canaries, named, most, models=np.array([about]))
        lonely = np.flatnonzero(~rivals(self.models.lineages[self.models.references], sizes).any(axis=1))
        beside, _ = self._plain(canaries, named, most, lonely)
        plain[:, lonely] = beside[:, lonely]
        return Explained(self.models, sizes, plain, chance)

    def on_each(self, subsets: Sequence[Places], named: int | None = None) -> list["Explained"]:
        """What the scores on each of several sets of canaries are made of: everybody's rows are multiplied once."""
        shape = (len(subsets), len(self.logits), len(self.models.references))
        plain, chance = np.full(shape, np.nan), np.full(shape, np.nan)
        for row, logits in enumerate(self.logits):
            if logits is None:
                continue
            there = self.models.references.tolist()
            overlaps = Overlaps.of(logits, [None if place == row else self._spaces.get(place) for place in there])
            for number, canaries in enumerate(subsets):
                plain[number, row], chance[number, row] = overlaps(rows_for(canaries, logits.shape[1], named))
        return [Explained(self.models, self._sizes(), *one) for one in zip(plain, chance, strict=True)]

    def with_reference(self, column: int, canaries: Places, models: Places) -> npt.NDArray[np.float64]:
        """Scores of some models [n_models] with one reference alone, beside a few of its rivals; NaN as above."""
        lineages = self.models.lineages[self.models.references]
        rival = rivals(lineages, self._sizes())[column]
        others = rival & other_vocabularies(self.models)[column]
        found = np.flatnonzero(others if others.any() else rival)
        few = found[np.linspace(0, len(found) - 1, min(_RIVALS, len(found))).astype(np.intp)]
        plain, chance = self._plain(canaries, None, None, np.array([column, *few.tolist()], dtype=np.intp), models)
        beside = np.full((len(models), len(few)), np.nan)
        usable = lineages[few] != self.models.lineages[models][:, None]
        beside[usable] = plain[np.ix_(models, few)][usable]
        known = np.isfinite(beside).sum(axis=1)
        mean = np.nan_to_num(beside).sum(axis=1) / np.maximum(known, 1)
        expected = np.where(known > 0, mean, chance[models, column])
        return beyond(plain[models, column], expected)

    def _plain(
        self,
        canaries: Places,
        named: int | None,
        most: int | None,
        columns: Places | None = None,
        models: Places | None = None,
    ) -> tuple[Matrix, Matrix]:
        """What each reference explains of each model, and what is expected of random spaces; of some alone."""
        references = self.models.references
        plain = np.full((len(self.logits), len(references)), np.nan)
        chance = plain.copy()
        for row in range(len(self.logits)) if models is None else models.tolist():
            logits = self.logits[row]
            if logits is None:
                continue
            looked_at = np.arange(len(references)) if columns is None else columns
            there = [int(references[column]) for column in looked_at.tolist()]
            spaces = [None if place == row else self._spaces.get(place) for place in there]
            shown = logits[rows_for(canaries, logits.shape[1], named)]
            plain[row, looked_at], chance[row, looked_at] = Overlaps.of(shown, spaces)(np.arange(len(shown)), most)
        return plain, chance

    def _sizes(self) -> npt.NDArray[np.intp]:
        return np.array([len(self._spaces.get(int(place), ())) for place in self.models.references], dtype=np.intp)


@dataclass(frozen=True)
class Explained:
    """What each reference explains of each model, `plain`, and what is expected of random spaces, `chance`: both
    [n_models, n_references]; `sizes` [n_references] of the references' spaces."""

    models: Models
    sizes: npt.NDArray[np.intp]
    plain: Matrix
    chance: Matrix

    def beyond_rivals(self, absent: Collection[str] = ()) -> Matrix:
        """The scores, as if models of the lineages `absent` were not in the library: nobody is set beside them."""
        plain, expected = self.plain, np.full(self.plain.shape, np.nan)
        there = ~np.isin(self.models.lineages, list(absent))
        allowed = np.broadcast_to(there[self.models.references], (len(self.sizes), len(self.sizes)))
        for stand_in in (
            rivals_mean(self.models, plain, self.sizes, allowed & other_vocabularies(self.models)),
            rivals_mean(self.models, plain, self.sizes, allowed),
            controls_mean(self.models, np.where(there[:, None], plain, np.nan), plain),
            self.chance,
        ):
            expected = np.where(np.isnan(expected), stand_in, expected)
        return beyond(plain, expected)


def beyond(plain: Matrix, expected: Matrix) -> Matrix:
    """What is explained beyond what is expected, as a share of what could be; -1 at least."""
    scores: Matrix = np.maximum((plain - expected) / np.maximum(1 - expected, 1e-6), -1.0)
    return scores
