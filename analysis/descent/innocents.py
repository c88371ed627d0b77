"""Who stands for the innocents when one parent is asked about, and whether they suffice to say anything."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.descent.null import FEWEST_CONTROLS, FEWEST_LINEAGES, FEWEST_VOCABULARIES, Spread, null_of
from analysis.descent.rivals import Matrix, Models, Places


def too_few_controls(controls: int, parent: str) -> str:
    """That so many trainings of a parent's vocabulary don't suffice, nor do other vocabularies."""
    return (
        f"the library has {controls} independent trainings with the vocabulary of {parent}, and {FEWEST_CONTROLS} are "
        f"needed to know what shared data alone makes two of them share, or such trainings of {FEWEST_VOCABULARIES} "
        "other vocabularies"
    )


@dataclass(frozen=True)
class Innocents:
    """The null for every reference, from scores that may be looked at.

    `kinds`: the highest scores of lineages, of strangers and of those that were `taught` (analysis.descent.null).
    `vocabularies`: of each vocabulary the highest score of two independent trainings that share it, the strangers of a
    parent whose vocabulary too few others have. `controls` [n_references]: independent trainings with its vocabulary.
    """

    kinds: dict[str, Spread]
    vocabularies: Spread
    controls: npt.NDArray[np.intp]

    @classmethod
    def of(
        cls, models: Models, scores: Matrix, rows: Places, columns: Places, teachers: Sequence[str | None]
    ) -> "Innocents":
        """From the scores [n_models, n_references] of `rows` with the references at `columns`.

        `teachers` [n_rows]: the lineages that taught them.
        """
        lineages, theirs = models.lineages[rows], models.lineages[models.references]
        kinds = null_of(scores[np.ix_(rows, columns)], lineages, theirs[columns], teachers)
        names = np.array([name or "" for name in models.vocabularies])
        shared = (names[rows][:, None] == names[models.references]) & (names[rows] != "")[:, None]
        untaught = np.array([teacher is None for teacher in teachers], dtype=bool)[:, None]
        compared = shared & ~np.isnan(scores[rows]) & (lineages[:, None] != theirs)
        by_vocabulary: dict[str, list[float]] = {}
        for row, column in np.argwhere(compared & untaught & np.isin(np.arange(len(theirs)), columns)).tolist():
            by_vocabulary.setdefault(str(names[rows[row]]), []).append(float(scores[rows[row], column]))
        controls = np.array([len(set(lineages[column].tolist())) for column in compared.T], dtype=np.intp)
        return cls(kinds, Spread.of(by_vocabulary, kinds.get("strangers")), controls)

    def null(self, column: int) -> dict[str, Spread]:
        """Kinds of innocents that a parent's descendant has to stand out from."""
        return self.kinds if self._controlled(column) else {**self.kinds, "vocabularies": self.vocabularies}

    def too_few(self, column: int, parent: str) -> str:
        """Why they don't suffice to say anything about a parent; empty if they do."""
        if "strangers" not in self.kinds:
            return f"the library has fewer than {FEWEST_LINEAGES} independent trainings to compare with"
        if not self._controlled(column) and self.vocabularies.lineages < FEWEST_VOCABULARIES:
            return too_few_controls(int(self.controls[column]), parent)
        return ""

    @property
    def enough_taught(self) -> bool:
        """Whether there are students enough to be a null of their own where scores follow what was taught."""
        return "taught" in self.kinds and self.kinds["taught"].lineages >= FEWEST_LINEAGES

    def _controlled(self, column: int) -> bool:
        return bool(self.controls[column] >= FEWEST_CONTROLS)
