"""Choices: what a model picks where nothing says what to pick: a number, a name, a colour."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Numbers, Unfed
from analysis.channels.next_token import CHANNEL as NEXT_TOKEN
from analysis.signatures.whole import Whole

KIND = "choices"
_KEYS = ("bins", "missing", "n_draws")


class Choices:
    """How alike two models pick at random, over the canaries that let them choose."""

    name = "choices"
    rung = "family"
    tokenizer_dependent = False

    def extract(self, whole: Whole) -> Arrays | Unfed:
        """The arrays of `next_token` [n, ...] on canaries of kind `choices`, and their `digest` [n]."""
        seen = whole.observation
        asked = np.array([canary.kind == KIND for canary in seen.canaries])
        answered = asked & ~np.isnan(seen.bins).any(axis=1)
        if not answered.any():
            return Unfed(f"it has no answered canary of kind {KIND!r}")
        return {
            "digest": np.array([canary.number for canary in seen.canaries])[answered],
            "bins": seen.bins[answered],
            "missing": seen.missing[answered],
            "n_draws": seen.n_draws[answered],
        }

    def describe(self, candidate: Arrays) -> Numbers:
        """`favourite`: mean probability of what it likes best; `canaries` that were answered."""
        return {"favourite": float(candidate["bins"].max(axis=1).mean()), "canaries": float(len(candidate["bins"]))}

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """`alike`: mean affinity of the picks, 0 to 1; `same favourite`: share of canaries; both with strangers too."""
        alike = _alike(candidate, reference)
        strangers = [both for other in population if (both := _alike(candidate, other))]
        names = ("alike", "same favourite")
        numbers = dict(zip(names, alike, strict=True)) if alike else {}
        if alike and strangers:
            numbers |= {f"{name} (strangers)": max(both[k] for both in strangers) for k, name in enumerate(names)}
        return numbers


CHANNEL = Choices()


def _alike(one: Arrays, other: Arrays) -> tuple[float, float] | None:
    digests, ours, theirs = np.intersect1d(one["digest"], other["digest"], return_indices=True)
    if not len(digests):
        return None
    sides = [{key: side[key][at] for key in _KEYS} for side, at in ((one, ours), (other, theirs))]
    similarity: npt.NDArray[np.float64] = NEXT_TOKEN.similarity(*sides)
    favourites = [side["bins"].argmax(axis=1) for side in sides]
    return float(similarity.mean()), float((favourites[0] == favourites[1]).mean())
