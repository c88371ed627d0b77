"""Rare tokens: what the initialisation left behind where training hardly reached.

Which tokens come out least likely, and how the logits of rare ones answer to the prompt, follow the random start of a
model more than its data. Means by token and by prompt, which all models of the same data share, are taken out first.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Numbers, Unfed
from analysis.signatures.chosen_logits import same_rows, same_tokens
from analysis.signatures.whole import Whole

_RAREST = 8
"""One in so many of the shared tokens is rare."""
_FEWEST_TOKENS, _FEWEST_ROWS = 64, 8
Matrix = npt.NDArray[np.float64]


class RareTokens:
    """Least likely tokens in common, and correlation of rare tokens' logits after means are taken out."""

    name = "rare_tokens"
    rung = "descent"
    tokenizer_dependent = True

    def extract(self, whole: Whole) -> Arrays | Unfed:
        """`logits` [n, n_tokens] after the last token of each prompt, with the names of rows and tokens."""
        last = whole.last
        if isinstance(last, Unfed):
            return last
        return {**last.names(), "logits": last.logits.astype(np.float16)}

    def describe(self, candidate: Arrays) -> Numbers:
        """Nothing: rare tokens only tell beside another model's."""
        return {}

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """`least likely in common`: of each prompt's rarest tokens, 0 at chance and 1 for the same ones;
        `correlation` of the double-centred logits of the reference's rarest tokens; both `with strangers` too (the
        most that one of the population reaches); `beyond strangers`: the correlation that remains when what the
        population shares is taken out of both.
        """
        pair = _aligned(candidate, reference)
        if pair is None:
            return {}
        numbers = {"least likely in common": _in_common(*pair), "correlation": _correlation(*pair)}
        strangers = [_aligned(candidate, other) for other in population]
        known = [both for both in strangers if both is not None]
        if known:
            numbers["least likely in common with strangers"] = max(_in_common(*both) for both in known)
            numbers["correlation with strangers"] = max(_correlation(*both) for both in known)
        return {**numbers, "beyond strangers": _beyond(candidate, reference, population)}


CHANNEL = RareTokens()


def _aligned(one: Arrays, *others: Arrays) -> tuple[Matrix, ...] | None:
    """Logits [n_rows, n_tokens] of all, at the rows and tokens that all have; None where these are too few."""
    rows, tokens = same_rows(one, *others), same_tokens(one, *others)
    if len(rows[0]) < _FEWEST_ROWS or len(tokens[0]) < _FEWEST_TOKENS:
        return None
    sides = zip((one, *others), rows, tokens, strict=True)
    stacked = np.stack([side["logits"][np.ix_(*places)] for side, *places in sides]).astype(np.float64)
    finite = np.isfinite(stacked).all(axis=(0, 1))
    return tuple(stacked[:, :, finite]) if finite.sum() >= _FEWEST_TOKENS else None


def _rare(reference: Matrix) -> npt.NDArray[np.intp]:
    """Places of the tokens that are least likely on average."""
    mean = (reference - reference.mean(axis=1, keepdims=True)).mean(axis=0)
    return np.argsort(mean, kind="stable")[: max(len(mean) // _RAREST, 1)]


def _in_common(one: Matrix, other: Matrix) -> float:
    """Overlap of each row's least likely tokens, above what chance gives."""
    size = max(one.shape[1] // _RAREST, 1)
    member = [np.argsort(np.argsort(side, axis=1, kind="stable"), axis=1) < size for side in (one, other)]
    share, chance = float((member[0] & member[1]).sum(axis=1).mean() / size), size / one.shape[1]
    return float((share - chance) / (1 - chance))


def _double_centred(logits: Matrix) -> Matrix:
    centred: Matrix = logits - logits.mean(axis=1, keepdims=True)
    centred -= centred.mean(axis=0, keepdims=True)
    return centred


def _correlation(one: Matrix, other: Matrix) -> float:
    """Of the double-centred logits of the other's rare tokens."""
    rare = _rare(other)
    return cosine(_double_centred(one[:, rare]), _double_centred(other[:, rare]))


def _beyond(candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> float:
    """The same with the population's mean taken out of both; NaN without one that shares tokens with both."""
    shared = [other for other in population if _aligned(candidate, reference, other) is not None]
    found = _aligned(candidate, reference, *shared) if shared else None
    if found is None:
        return np.nan
    rare = _rare(found[1])
    ours, theirs, *others = (_double_centred(side[:, rare]) for side in found)
    common = np.mean(others, axis=0)
    size = float(np.sum(common**2)) or 1.0
    return cosine(*(side - common * float(np.sum(side * common)) / size for side in (ours, theirs)))


def cosine(one: Matrix, other: Matrix) -> float:
    """Cosine of two arrays of one shape; 0 where one is zero."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.sum(one * other)) / size if size else 0.0
