"""The image through a keyhole: the logits of a few prompts, tried on the output spaces of references.

A reference's logits of any tokens lie in a known space of hidden_size dimensions. Where a candidate shows only some
tokens' logits of one or a few prompts, a regression on that space tells whether they lie there as well. Strangers
reach a high share too, through what all models of the data have in common, so that comes out first.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Numbers, Unfed
from analysis.descent.image import centred
from analysis.signatures.chosen_logits import same_tokens
from analysis.signatures.whole import Whole

MOST_PROMPTS = 32
"""More of them add little (measured on models of one recipe: one prompt did as well as many)."""
_SPARE = 1.2  # tokens for each regressor that a regression needs at least
Matrix = npt.NDArray[np.float64]


class Keyhole:
    """How much of a few prompts' logits lies in the reference's output space."""

    name = "keyhole"
    rung = "descent"
    tokenizer_dependent = True

    def extract(self, whole: Whole) -> Arrays | Unfed:
        """`logits` [n_prompts, n_tokens] after whole prompts; `mean` [n_tokens] over all rows; `basis` [k, n_tokens] of
        the image, k = 0 where it was not seen whole; the names of the tokens.
        """
        chosen, image = whole.chosen, whole.image
        if isinstance(chosen, Unfed):
            return chosen
        rows = chosen.after_whole_prompts().logits
        few = rows[np.linspace(0, len(rows) - 1, min(MOST_PROMPTS, len(rows))).astype(np.intp)]
        seen = not isinstance(image, Unfed) and image.hidden_size is not None
        basis = image.basis if seen and not isinstance(image, Unfed) else np.zeros((0, rows.shape[1]), np.float32)
        return {**chosen.names(), "logits": few, "mean": chosen.logits.mean(axis=0), "basis": basis}

    def describe(self, candidate: Arrays) -> Numbers:
        """Nothing: a keyhole needs something to look at."""
        return {}

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """`explained`: adjusted R squared of the candidate's logits on the reference's space, median of the prompts,
        after the mean logits of reference and population; `explained by strangers`: the most that the space of one of
        the population explains.
        """
        spaces = [reference, *population]
        explained = [_explained(candidate, space, spaces) for space in spaces]
        strangers = [value for value in explained[1:] if not np.isnan(value)]
        return {
            "explained": explained[0],
            "explained by strangers": max(strangers) if strangers and not np.isnan(explained[0]) else np.nan,
        }


CHANNEL = Keyhole()


def _explained(candidate: Arrays, space: Arrays, everybody: Sequence[Arrays]) -> float:
    """Adjusted R squared, or NaN where the space is not known or too few tokens are shared."""
    ours, theirs = same_tokens(candidate, space)
    sharing = [other for other in everybody if len(same_tokens(candidate, space, other)[0]) == len(ours)]
    if len(space["basis"]) == 0 or len(ours) < _SPARE * (len(space["basis"]) + len(sharing) + 1):
        return np.nan
    common = np.stack([other["mean"][same_tokens(candidate, space, other)[2]] for other in sharing])
    return partial_r_squared(candidate["logits"][:, ours], common, space["basis"][:, theirs])


def partial_r_squared(logits: Matrix, common: Matrix, basis: Matrix) -> float:
    """Median over rows of logits [n, n_tokens] of the adjusted R squared of `basis` [k, n_tokens] beyond `common`
    [c, n_tokens] and a constant: 0 in expectation for a space that has nothing to do with them, 1 for theirs.
    """
    nuisance = np.linalg.qr(centred(common).T)[0].T
    target, space = (side - (side @ nuisance.T) @ nuisance for side in (centred(logits), centred(basis)))
    directions, sizes, _ = np.linalg.svd(space.T, full_matrices=False)
    directions = directions[:, sizes > 1e-6 * sizes[0]]
    free = target.shape[1] - 1 - len(nuisance)
    left, total = ((side**2).sum(axis=1) for side in (target - (target @ directions) @ directions.T, target))
    r_squared = 1 - (left / (free - directions.shape[1])) / np.where(total > 0, total / free, 1)
    return float(np.median(r_squared))
