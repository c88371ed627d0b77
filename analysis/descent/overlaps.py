"""How much of one model's logits lies in references' spaces, on any of its prompts: quick where many sets are tried.

The same numbers as `analysis.descent.spaces` gives for a set of rows, whose directions are held against the spaces of
all references at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.descent.image import centred
from analysis.descent.spaces import FEWEST_ROWS, by_chance, rows_space, weakest

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Overlaps:
    """Of one model's `rows` [n, n_tokens], 0 where not `known` [n], with the `spaces` of the references one below the
    other [n_directions, n_tokens], `directions` [n_references] each, 0 for a reference without one."""

    rows: Matrix
    known: npt.NDArray[np.bool_]
    spaces: npt.NDArray[np.float32]
    directions: npt.NDArray[np.intp]

    @classmethod
    def of(cls, logits: npt.NDArray[np.floating], spaces: Sequence[Matrix | None]) -> "Overlaps":
        """From logits [n, n_tokens] and orthonormal bases [k, n_tokens] of the references' spaces."""
        known = np.isfinite(logits).all(axis=1)
        rows = np.where(known[:, None], centred(np.where(known[:, None], logits, 0)), 0)
        there = [np.empty((0, logits.shape[1])), *(space for space in spaces if space is not None)]
        directions = np.array([0 if space is None else len(space) for space in spaces], dtype=np.intp)
        return cls(rows, known, np.concatenate(there).astype(np.float32), directions)

    def __call__(self, canaries: Places, most: int | None = None) -> tuple[Matrix, Matrix]:
        """What each reference explains on some rows, and what random spaces would: [n_references] each, or NaN.

        Of the rows' directions at most so many are looked at, the strongest; None where all are.
        """
        plain, chance = (np.full(len(self.directions), np.nan) for _ in range(2))
        shown = canaries[self.known[canaries]]
        if len(shown) < FEWEST_ROWS:
            return plain, chance
        strongest = rows_space(self.rows[shown], most or len(shown))
        if not len(strongest):  # every row is the same
            return plain, chance
        cosines = (strongest.astype(np.float32) @ self.spaces.T).astype(np.float64)
        ends = np.cumsum(self.directions)
        for place in np.flatnonzero(self.directions).tolist():
            size = int(self.directions[place])
            kept = min(len(strongest), size)
            inside = cosines[:kept, ends[place] - size : ends[place]]
            plain[place] = weakest(np.sqrt(np.clip(np.linalg.eigvalsh(inside @ inside.T), 0, 1)))
            chance[place] = by_chance(kept, size, self.rows.shape[1])
        return plain, chance
