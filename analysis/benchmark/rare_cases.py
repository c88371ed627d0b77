"""What a library hardly has and the world does: strangers who share a tokenizer, and kin who share nothing else.

Where nearly every family has a tokenizer of its own, a classifier learns that whoever shares one is kin, and takes a
model that was trained from nothing with a well-known tokenizer for a descendant of the model that it is known from. And
where few descendants were tuned until they answered like strangers, it learns that kin never do, and is sure of
`unknown` where one did. So a share of the strangers is learned from as if they had the reference's tokenizer, and a
share of kin as if they answered like strangers: assumptions that are stated, not measurements.
"""

import numpy as np
import numpy.typing as npt

SHARED_TOKENIZERS = 0.1
"""The share of strangers that are taken to have the reference's tokenizer: one in ten."""
ERASED = 0.1
"""The share of kin whose answers are taken to be a stranger's: one in ten."""
SAME, STRANGERS = 1.0, 0.0  # the features of two equal tokenizers, and of answers that are as alike as strangers' are

Pairs = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], npt.NDArray[np.float64]]


def with_rare_cases(
    features: npt.NDArray[np.float32],
    same: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float64],
    answers: int,
    tokenizer: int,
) -> Pairs:
    """Pairs to learn from: features [2 n, n_features], 1 for kin [2 n], weights [2 n]; every pair stands there twice.

    `features` [n, n_features], of which the first `answers` are of what was answered, that of the tokenizer at its
    place; `same` and `weight` [n].
    """
    rare = features.copy()
    rare[~same, tokenizer] = SAME
    for one in (place for place in range(answers) if place != tokenizer):
        rare[same, one] = STRANGERS
    share = np.where(same, ERASED, SHARED_TOKENIZERS)
    return (
        np.concatenate([features, rare]),
        np.concatenate([same, same]).astype(np.intp),
        np.concatenate([weight * (1 - share), weight * share]),
    )
