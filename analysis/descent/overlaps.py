"""How much of one model's logits lies in references' spaces, on any of its prompts: quick where many sets are tried.

The same numbers as `analysis.descent.spaces` gives for a set of rows, from products of all rows that are made once.
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
    """Of one model's rows with each other, `gram` [n, n], and within each reference's space, `inside` [n_references, n,
    n]; `known` [n] rows, `directions` [n_references] of the spaces, 0 for a reference without one."""

    gram: Matrix
    inside: Matrix
    known: npt.NDArray[np.bool_]
    directions: npt.NDArray[np.intp]
    n_tokens: int

    @classmethod
    def of(cls, logits: npt.NDArray[np.floating], spaces: Sequence[Matrix | None]) -> "Overlaps":
        """From logits [n, n_tokens] and orthonormal bases [k, n_tokens] of the references' spaces."""
        known = np.isfinite(logits).all(axis=1)
        rows = np.where(known[:, None], centred(np.where(known[:, None], logits, 0)), 0)
        inside = np.zeros((len(spaces), len(rows), len(rows)))
        for place, space in enumerate(spaces):
            if space is not None:
                within = rows @ space.T
                inside[place] = within @ within.T
        directions = np.array([0 if space is None else len(space) for space in spaces], dtype=np.intp)
        return cls(rows @ rows.T, inside, known, directions, logits.shape[1])

    def __call__(self, canaries: Places, most: int | None = None) -> tuple[Matrix, Matrix]:
        """What each reference explains on some rows, and what random spaces would: [n_references] each, or NaN.

        Of the rows' directions at most so many are looked at, the strongest; None where all are.
        """
        plain, chance = (np.full(len(self.directions), np.nan) for _ in range(2))
        shown = canaries[self.known[canaries]]
        if len(shown) < FEWEST_ROWS:
            return plain, chance
        between = _centred_twice(self.gram[np.ix_(shown, shown)])
        squares, vectors = np.linalg.eigh(between)
        squares, vectors = squares[::-1], vectors[:, ::-1]
        there = int((squares > 1e-12 * max(squares[0], 1e-300)).sum())
        if not there:  # every row is the same
            return plain, chance
        for place in np.flatnonzero(self.directions).tolist():
            kept = min(len(shown) - 1, int(self.directions[place]), there, most or there)
            basis = vectors[:, :kept] / np.sqrt(squares[:kept])
            overlap = basis.T @ _centred_twice(self.inside[place][np.ix_(shown, shown)]) @ basis
            plain[place] = weakest(np.sqrt(np.clip(np.linalg.eigvalsh(overlap), 0, 1)))
            chance[place] = by_chance(kept, int(self.directions[place]), self.n_tokens)
        return plain, chance


def _centred_twice(products: Matrix) -> Matrix:
    """Products of rows [n, n] as they are once the mean row is taken out of each."""
    less = products - products.mean(axis=0)
    centred_rows: Matrix = less - less.mean(axis=1, keepdims=True)
    return centred_rows
