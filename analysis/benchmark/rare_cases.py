"""What a library hardly has and the world does: strangers who share a tokenizer, and kin who share nothing else.

Where nearly every family has a tokenizer of its own, a classifier learns that whoever shares one is kin, and takes a
model that was trained from nothing with a well-known tokenizer for a descendant of the model that it is known from. And
where few descendants were tuned until they answered like strangers, it learns that kin never do, and is sure of
`unknown` where one did. So a share of the strangers is learned from as if they had the reference's tokenizer, and a
share of kin as if they answered like strangers: assumptions that are stated, not measurements.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

SHARED_TOKENIZERS = 0.1
"""The share of strangers that are taken to have the reference's tokenizer: one in ten."""
ERASED = 0.1
"""The share of kin whose answers are taken to be a stranger's: one in ten."""
_SAME, _STRANGERS = 1.0, 0.0  # the features of two equal tokenizers, and of answers that are as alike as strangers' are

Pairs = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], npt.NDArray[np.float64]]
Features = TypeVar("Features", npt.NDArray[np.float32], npt.NDArray[np.float64])


@dataclass(frozen=True)
class Layout:
    """What the features of a pair are: the first `answers` are of what was answered, that of the `tokenizer` at its
    place, None where it is left out (then there are no rare cases).

    A feature after them is 0 for another tokenizer, and `untold` where a pair has one tokenizer and nobody can say how
    much of what its answers have in common comes of that.
    """

    answers: int
    tokenizer: int | None
    untold: float = 0.0

    def filled(self, scores: Features) -> Features:
        """Scores as features: of pairs of which nothing can be told, NaN, what stands for that. Where the tokenizer is
        left out it is 0 as well: that a pair has one would else be told by this."""
        untold = 0.0 if self.tokenizer is None else self.untold
        return np.nan_to_num(scores, nan=untold).astype(scores.dtype, copy=False)

    def with_one_tokenizer(self, features: Features, which: npt.NDArray[np.bool_]) -> Features:
        """The features [..., n_features], of pairs `which` [...] as if both had one tokenizer."""
        found = features.copy()
        found[which, self.tokenizer] = _SAME
        beside = found[..., self.answers :]
        beside[which[..., None] & (beside == 0)] = self.untold
        return found

    def erased(self, features: Features, which: npt.NDArray[np.bool_]) -> Features:
        """The features [..., n_features], of pairs `which` [...] as if they answered like strangers."""
        found = features.copy()
        for one in (place for place in range(self.answers) if place != self.tokenizer):
            found[which, one] = _STRANGERS
        return found


def with_rare_cases(
    features: npt.NDArray[np.float32], same: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64], layout: Layout
) -> Pairs:
    """Pairs to learn from: features [2 n, n_features], 1 for kin [2 n], weights [2 n]; every pair stands there twice.

    `features` [n, n_features]; `same` and `weight` [n].
    """
    rare = layout.erased(layout.with_one_tokenizer(features, ~same), same)
    share = np.where(same, ERASED, SHARED_TOKENIZERS)
    return (
        np.concatenate([features, rare]),
        np.concatenate([same, same]).astype(np.intp),
        np.concatenate([weight * (1 - share), weight * share]),
    )
