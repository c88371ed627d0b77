"""Logit image: the space that a model's logits lie in. Its dimension is the hidden size; training hardly turns it.

Two independent models share no more of it than chance and their data make them share, whatever they answer.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Numbers, Unfed
from analysis.chosen_logits import same_tokens
from analysis.image import cosines
from analysis.whole import Whole

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
        """`hidden size`, where the recording has more rows than that (see `analysis.image.hidden_size`)."""
        return {"hidden size": float(candidate["hidden_size"][0])}

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """`shared`: mean squared cosine of the principal angles beyond chance, 0 for strangers of other data, 1 for one
        image; `shared by strangers`: the most that the reference's image shares with one of the population, or the
        candidate's does. `weakest`: mean cosine of the third of the angles that are widest. A student of the reference,
        which shares no weights with it, learns its strongest directions and not its weakest.
        """
        shared = _shared(candidate, reference)
        pairs = [pair for other in population for pair in ((candidate, other), (reference, other))]
        unknown = np.isnan(shared)
        return {
            "shared": shared,
            "shared by strangers": np.nan if unknown else _most(_shared(*pair) for pair in pairs),
            "weakest": _weakest(candidate, reference),
            "weakest of strangers": np.nan if unknown else _most(_weakest(*pair) for pair in pairs),
            "hidden size of the reference": float(reference["hidden_size"][0]),
        }


CHANNEL = LogitImage()


def _most(values: Iterable[float]) -> float:
    return max((value for value in values if not np.isnan(value)), default=np.nan)


def _shared(one: Arrays, other: Arrays) -> float:
    """The part of the smaller image that lies in the larger beyond chance; NaN where too few tokens are shared."""
    found = _cosines(one, other)
    if found is None:
        return np.nan
    angles, chance = found
    return (float(np.mean(angles**2)) - chance) / (1 - chance)


def _weakest(one: Arrays, other: Arrays) -> float:
    """Mean cosine of the widest third of the principal angles; NaN where too few tokens are shared."""
    found = _cosines(one, other)
    return np.nan if found is None else float(found[0][-max(1, len(found[0]) // 3) :].mean())


def _cosines(one: Arrays, other: Arrays) -> tuple[npt.NDArray[np.float64], float] | None:
    """Cosines of the principal angles, and the share of a larger image that any smaller one lies in by chance."""
    ours, theirs = same_tokens(one, other)
    larger = max(len(one["basis"]), len(other["basis"]))
    if len(ours) - 1 < _TOKENS_A_DIRECTION * larger:
        return None
    # centred rows have one direction fewer than tokens
    return cosines(one["basis"][:, ours], other["basis"][:, theirs]), larger / (len(ours) - 1)
