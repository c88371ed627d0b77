"""The space of a model's logits on a fixed subset of tokens, and how much of a candidate's lies in a reference's.

The strongest directions that two models share are what their data taught both; a student of the reference has them as
well. The weak ones are left from the initialisation: they decide (measured on lookalikes, descendants and students).
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from analysis.descent.image import centred, hidden_size

Matrix = npt.NDArray[np.float64]
FEWEST_ROWS = 3
"""Prompts without which nothing is said: of fewer, at most one direction is left when means are taken out."""
_CHANCE_DRAWS = 4


def known_rows(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rows in which every logit is a number."""
    return logits[np.isfinite(logits).all(axis=1)]


def double_centred(logits: npt.NDArray[np.floating]) -> Matrix:
    """Rows [n, n_tokens] without the mean of each row, and without that of each token over the rows."""
    rows = centred(logits)
    values: Matrix = rows - rows.mean(axis=0)
    return values


def reference_space(logits: npt.NDArray[np.floating]) -> Matrix:
    """An orthonormal basis [k, n_tokens]: as many directions as the hidden size where the spectrum shows it.

    Else what of two thirds of the number of tokens there are rows for: a space of nearly all would explain everybody.
    """
    rows = double_centred(logits)
    _, values, directions = np.linalg.svd(rows, full_matrices=False)
    size = hidden_size(values, rows.shape)
    return directions[: size or min(len(rows) - 1, rows.shape[1] * 2 // 3)]


def rows_space(logits: npt.NDArray[np.floating], most: int) -> Matrix:
    """An orthonormal basis [k, n_tokens] of a few rows, of at most so many directions, the strongest."""
    rows = double_centred(logits)
    squares, vectors = np.linalg.eigh(rows @ rows.T)  # of few rows, faster than their singular vectors
    kept = min(len(rows) - 1, most)
    squares, vectors = squares[::-1][:kept], vectors[:, ::-1][:, :kept]
    there = squares > 1e-12 * max(squares[0], 1e-300)
    basis: Matrix = (vectors[:, there].T @ rows) / np.sqrt(squares[there])[:, None]
    return basis


def weakest(cosines: Matrix) -> float:
    """The mean of the weakest third of cosines [n], in ascending order, without the tenth that is weakest of all.

    Heavy tuning turns a few directions away altogether and leaves the others; a student's are all a little off.
    """
    first = min(-(-len(cosines) // 10), len(cosines) - 1)
    return float(cosines[first : max(len(cosines) // 3, first) + 1].mean())


def explained(rows: Matrix, space: Matrix) -> float:
    """`weakest` of the cosines of the principal angles between two spaces, orthonormal rows."""
    overlap = rows @ space.T
    smaller = overlap @ overlap.T if len(rows) <= len(space) else overlap.T @ overlap
    return weakest(np.sqrt(np.clip(np.linalg.eigvalsh(smaller), 0, 1)))


@cache
def by_chance(n_rows: int, n_directions: int, n_tokens: int) -> float:
    """What `explained` gives on average for two random spaces of these dimensions."""
    generator = np.random.default_rng(0)
    found = []
    for _ in range(_CHANCE_DRAWS):
        one, other = (np.linalg.qr(generator.normal(size=(n_tokens, size)))[0].T for size in (n_rows, n_directions))
        found.append(explained(one, other))
    return float(np.mean(found))
