"""Logit image: the space that a model's logits lie in. Its dimension is the hidden size; training hardly turns it.

Two independent models share no more of it than chance and their data make them share, whatever they answer.
"""

from collections.abc import Sequence

import numpy as np

from analysis.channels.interface import Arrays, Numbers, Unfed
from analysis.descent.image import cosines
from analysis.signatures.chosen_logits import same_tokens
from analysis.signatures.whole import Whole

_TOKENS_A_DIRECTION = 1.25
"""Shared tokens needed for each direction: with hardly more tokens than directions, any two images coincide."""


class LogitImage:
    """Principal angles between the spaces that two models' logits lie in, and the hidden sizes."""

    name = "logit_image"
    rung = "descent"
    tokenizer_dependent = True

    def extract(self, whole: Whole) -> Arrays | Unfed:
        """`basis` [n_directions, n_tokens] orthonormal, `hidden_size` [1] (NaN: not seen), and the tokens' names."""
        if isinstance(whole.image, Unfed) or isinstance(whole.chosen, Unfed):
            return whole.image if isinstance(whole.image, Unfed) else Unfed("")
        size = np.nan if whole.image.hidden_size is None else whole.image.hidden_size
        return {"basis": whole.image.basis, "hidden_size": np.array([size]), **whole.chosen.names()}

    def describe(self, candidate: Arrays) -> Numbers:
        """`hidden size`, where the recording has more rows than that (see `analysis.descent.image.hidden_size`)."""
        return {"hidden size": float(candidate["hidden_size"][0])}

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """`shared`: mean squared cosine of the principal angles beyond chance, 0 for strangers of other data, 1 for one
        image; `shared by strangers`: the most that the reference's image shares with one of the population, or the
        candidate's does. `weakest`: mean cosine of the third of the angles that are widest. A student of the reference,
        which shares no weights with it, learns its strongest directions and not its weakest.
        """
        shared, weakest = _alike(candidate, reference)
        sides = [_alike(*pair) for other in population for pair in ((candidate, other), (reference, other))]
        strangers = np.array([] if np.isnan(shared) else [pair for pair in sides if not np.isnan(pair[0])])
        most_shared, most_weakest = strangers.max(axis=0) if len(strangers) else (np.nan, np.nan)
        return {
            "shared": shared,
            "shared by strangers": float(most_shared),
            "weakest": weakest,
            "weakest of strangers": float(most_weakest),
            "hidden size of the reference": float(reference["hidden_size"][0]),
        }


CHANNEL = LogitImage()


def _alike(one: Arrays, other: Arrays) -> tuple[float, float]:
    """The part of the smaller image that lies in the larger beyond chance, and the mean cosine of the widest third of
    the principal angles; NaN where too few tokens are shared."""
    ours, theirs = same_tokens(one, other)
    larger = max(len(one["basis"]), len(other["basis"]))
    if len(ours) - 1 < _TOKENS_A_DIRECTION * larger:
        return np.nan, np.nan
    angles = cosines(one["basis"][:, ours], other["basis"][:, theirs])
    chance = larger / (len(ours) - 1)  # centred rows have one direction fewer than tokens
    return (float(np.mean(angles**2)) - chance) / (1 - chance), float(angles[-max(1, len(angles) // 3) :].mean())
