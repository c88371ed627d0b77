"""How much of one model's logits lies in references' spaces, on any of its prompts: quick where many sets are tried.

The same numbers as `analysis.descent.spaces` gives for a set of rows, whose directions are held against the spaces of
all references at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.descent.spaces import by_chance, explained, space_of

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
ROWS = 32
"""Answers that are looked at together, where there are as many."""


@dataclass(frozen=True)
class Overlaps:
    """Of one model's `rows` [n, n_tokens], 0 where not `known` [n], with the `spaces` of the references one below the
    other [n_directions, n_tokens], `directions` [n_references] each, 0 for a reference without one."""

    rows: npt.NDArray[np.floating]
    known: npt.NDArray[np.bool_]
    spaces: npt.NDArray[np.float32]
    directions: npt.NDArray[np.intp]

    @classmethod
    def of(cls, logits: npt.NDArray[np.floating], spaces: Sequence[Matrix | None]) -> "Overlaps":
        """From logits [n, n_tokens] and orthonormal bases [k, n_tokens] of the references' spaces."""
        known = np.isfinite(logits).all(axis=1)
        rows = np.where(known[:, None], logits, 0)
        there = [np.empty((0, logits.shape[1])), *(space for space in spaces if space is not None)]
        directions = np.array([0 if space is None else len(space) for space in spaces], dtype=np.intp)
        return cls(rows, known, np.concatenate(there).astype(np.float32), directions)

    def __call__(self, canaries: Places, most: int | None = None) -> tuple[Matrix, Matrix]:
        """What each reference explains on some rows, and what random spaces would: [n_references] each, or NaN.

        The mean over parts of the rows, of at least `ROWS` each where there are as many: what a tuned model's rows have
        most of is what was turned, and the more of them are taken together the more of that comes first. Of each part's
        directions at most so many are looked at, the strongest; None where all are.
        """
        plain, chance = (np.full(len(self.directions), np.nan) for _ in range(2))
        shown = canaries[self.known[canaries]]
        if not len(shown):
            return plain, chance
        bases = [space_of(self.rows[part])[:most] for part in np.array_split(shown, max(len(shown) // ROWS, 1))]
        cosines = [basis.astype(np.float32) @ self.spaces.T for basis in bases if len(basis)]
        starts = np.cumsum(self.directions) - self.directions
        for size in np.unique(self.directions[self.directions > 0]).tolist() if cosines else ():
            places = np.flatnonzero(self.directions == size)
            columns = starts[places, None] + np.arange(size)  # of each reference's directions: [n_places, size]
            of_each = [explained(part[:, columns].swapaxes(0, 1)) for part in cosines]
            plain[places], chance[places] = np.mean(of_each, axis=0), by_chance(size, self.rows.shape[1])
        return plain, chance
