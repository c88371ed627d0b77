"""What sharing a tokenizer is worth, where nearly every family of a library has one of its own.

From such a library a classifier learns that whoever shares a tokenizer is kin, and takes a model that was trained from
nothing with a well-known tokenizer for a descendant of the model that it is known from. Tokenizers are reused, so a
share of the strangers is learned from as if they had the reference's: an assumption that is stated, not a measurement.
"""

import numpy as np
import numpy.typing as npt

SHARED_TOKENIZERS = 0.1
"""The share of strangers that are taken to have the reference's tokenizer: one in ten."""
_SAME = 1.0  # the feature of two tokenizers that cut every prompt into as many tokens

Pairs = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], npt.NDArray[np.float64]]


def with_collisions(
    features: npt.NDArray[np.float32], same: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64], tokenizer: int
) -> Pairs:
    """Pairs to learn from: features [n, n_features], 1 for kin [n], weights [n]; every stranger stands there twice.

    `features` [n_pairs, n_features], `same` and `weight` [n_pairs], `tokenizer` the place of the tokenizer's feature.
    """
    strangers = ~same
    collided = features[strangers].copy()
    collided[:, tokenizer] = _SAME
    kept = np.where(same, weight, weight * (1 - SHARED_TOKENIZERS))
    return (
        np.concatenate([features, collided]),
        np.concatenate([same, np.zeros(len(collided), bool)]).astype(np.intp),
        np.concatenate([kept, weight[strangers] * SHARED_TOKENIZERS]),
    )
