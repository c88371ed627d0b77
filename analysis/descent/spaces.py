"""The space of a model's logits on a fixed subset of tokens, and how much of a candidate's lies in a reference's.

The strongest directions that two models share are what their data taught both; a student of the reference has them as
well. So the reference's strongest third is taken out of the candidate's rows. What is left of them lies in the rest of
the reference's space, which its initialisation left there, or beside it (measured on lookalikes, descendants and
students).
"""

import numpy as np
import numpy.typing as npt

from analysis.descent.image import centred, hidden_size, spectrum

Matrix = npt.NDArray[np.float64]
FEWEST_ROWS = 2
"""Answers that differ, without which nothing is said: no accusation rests on one."""
_STRONGEST = 3
"""One in so many directions is taught by data."""
_RIDGE = 1e-4
"""Of a row's length: where less is left of it, that is rounding."""
_CLOSEST = 0.999
"""The largest share that is told from all: what a copy shows is lost in rounding."""
_FAINTEST = 1e-6
"""Of the largest singular value: what is below is rounding."""


def known_rows(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rows in which every logit is a number."""
    return logits[np.isfinite(logits).all(axis=1)]


def space_of(logits: npt.NDArray[np.floating]) -> Matrix:
    """An orthonormal basis [k, n_tokens] of what rows of logits [n, n_tokens] span, the strongest direction first.

    As many directions as the hidden size where the spectrum shows it, else at most two thirds of the number of tokens:
    a space of nearly all would explain everybody. None where all logits of every row are the same.
    """
    rows = centred(logits)
    values, vectors = spectrum(rows)
    size = hidden_size(values, rows.shape) or rows.shape[1] * 2 // 3
    kept = min(size, int((values > _FAINTEST * max(values[0], 1e-150)).sum()))
    basis: Matrix = (vectors[:, :kept].T @ rows) / values[:kept, None]
    return basis


def weaker(logits: npt.NDArray[np.floating]) -> Matrix:
    """What rows of logits [n, n_tokens] show of the directions of their space that are looked at: [n, n_directions]."""
    space = space_of(logits)
    found: Matrix = centred(logits) @ space[len(space) // _STRONGEST :].T
    return found


def explained(cosines: npt.NDArray[np.floating]) -> Matrix:
    """How much of candidates' rows lies in the weaker directions of spaces: [...], from -1 to 1 for a copy.

    From what orthonormal rows and directions have in common [..., n_rows, n_directions], the strongest of both first.
    The strongest third is taken out of the rows, of which no more are looked at than directions are left. Of what these
    span then, the share that lies in the other directions, every one of it weighing the same; its log odds, in units of
    those of a copy. A share would hide how much closer a descendant is than a stranger who has half of it.
    """
    first = cosines.shape[-1] // _STRONGEST
    rows = cosines[..., : cosines.shape[-1] - first, :].astype(np.float64)
    strong, weak = rows[..., :first], rows[..., first:]
    same = np.eye(rows.shape[-2])
    left = same - strong @ np.swapaxes(strong, -1, -2)
    inverse = np.linalg.inv(left + _RIDGE * same)
    inside, there = ((inverse * one).sum(axis=(-2, -1)) for one in (weak @ np.swapaxes(weak, -1, -2), left))
    return _log_odds(inside / np.maximum(there, _RIDGE))


def by_chance(n_directions: int, n_tokens: int) -> float:
    """What `explained` gives on average for random rows and a space of so many directions."""
    first = n_directions // _STRONGEST
    return float(_log_odds(np.array((n_directions - first) / (n_tokens - 1 - first))))  # rows are centred


def _log_odds(share: Matrix) -> Matrix:
    """In units of the largest that is told."""
    within = np.clip(share, 1 - _CLOSEST, _CLOSEST)
    found: Matrix = np.log(within / (1 - within)) / np.log(_CLOSEST / (1 - _CLOSEST))
    return found
