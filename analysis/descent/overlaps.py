"""How much of one model's logits lies in references' spaces, on any of its prompts: quick where many sets are tried.

The same numbers as `analysis.descent.spaces` gives for a set of rows: their directions come from products of all rows
that are made once, and are held against the spaces of all references at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.descent.image import centred
from analysis.descent.spaces import FEWEST_ROWS, by_chance, weakest

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Overlaps:
    """Of one model's `rows` [n, n_tokens], 0 where not `known` [n], and their products `gram` [n, n], with the `spaces`
    of the references one below the other [n_directions, n_tokens], `directions` [n_references] each, 0 for a reference
    without one."""

    rows: Matrix
    gram: Matrix
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
        return cls(rows, rows @ rows.T, known, np.concatenate(there).astype(np.float32), directions)

    def __call__(self, canaries: Places, most: int | None = None) -> tuple[Matrix, Matrix]:
        """What each reference explains on some rows, and what random spaces would: [n_references] each, or NaN.

        Of the rows' directions at most so many are looked at, the strongest; None where all are.
        """
        plain, chance = (np.full(len(self.directions), np.nan) for _ in range(2))
        strongest = self._directions(canaries[self.known[canaries]])[:most]
        if not len(strongest):
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

    def _directions(self, shown: Places) -> Matrix:
        """Those of some rows, their mean taken out, orthonormal and the strongest first: [n_directions, n_tokens].

        None of too few rows, or of rows that are all the same.
        """
        if len(shown) < FEWEST_ROWS:
            return np.empty((0, self.rows.shape[1]))
        squares, vectors = np.linalg.eigh(_centred_twice(self.gram[np.ix_(shown, shown)]))
        squares, vectors = squares[::-1], vectors[:, ::-1]
        there = min(int((squares > 1e-12 * max(squares[0], 1e-300)).sum()), len(shown) - 1)
        rows = self.rows[shown] - self.rows[shown].mean(axis=0)
        found: Matrix = (vectors[:, :there].T @ rows) / np.sqrt(squares[:there])[:, None]
        return found


def _centred_twice(products: Matrix) -> Matrix:
    """Products of rows [n, n] as they are once the mean row is taken out of each."""
    less = products - products.mean(axis=0)
    centred_rows: Matrix = less - less.mean(axis=1, keepdims=True)
    return centred_rows
