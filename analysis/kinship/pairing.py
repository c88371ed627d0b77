"""Pair features: how much more alike two signatures are than strangers usually are, a channel each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.channels import all_channels
from analysis.signatures.signature import Signature

HIGHEST_BACKGROUND = 0.95  # a canary that all strangers answer alike tells nothing, and must not be divided by


@dataclass
class Pairing:
    """Turns pairs of signatures into features [n_candidates, n_references, n_channels].

    Some prompts draw the same answer from unrelated models, so the mean similarity between families is taken out
    of every canary first. A feature is the excess over that background, as a share of what it could be: 1 for the
    same model, about 0 for strangers. Learned by `fit`: `background_` [n_channels, n_canaries], and `similarity_`, that
    of each candidate (outer list) with each reference (inner), [n_channels, n_canaries]; `derived_` is what others
    learn from these, by name.
    """

    channels: tuple[str, ...] = ("next_token", "greedy", "wording")
    background_: npt.NDArray[np.float64] = field(init=False, repr=False)
    similarity_: list[list[npt.NDArray[np.float64]]] = field(init=False, repr=False, compare=False)
    derived_: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)
    _of: "Pairing | None" = field(default=None, init=False, repr=False, compare=False)
    _compared: dict[tuple[int, int], tuple[Signature, Signature, npt.NDArray[np.float64]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def only(self, channels: tuple[str, ...]) -> "Pairing":
        """The same with some of the channels: what was compared here, and learned, is not compared again.

        To be fitted on the models that this one was fitted on.
        """
        part = Pairing(channels)
        part._of = self
        return part

    def fit(self, candidates: Sequence[Signature], references: Sequence[Signature], families: Sequence[str]) -> Self:
        """Learn the background from pairs of different families, every pair of families weighing the same.

        `candidates` and `references` are the same models, in the same order, the first as the candidate's access
        would see them; `families` names the family of each. With one family the background is zero.
        """
        self.fit_transform(candidates, references, families)
        return self

    def fit_transform(
        self, candidates: Sequence[Signature], references: Sequence[Signature], families: Sequence[str]
    ) -> npt.NDArray[np.float64]:
        """As `fit`, and the features of all pairs [n_candidates, n_references, n_channels], for one comparison each."""
        if self._of is not None:
            return self.learn([[self._part(values) for values in row] for row in self._of.similarity_], families)
        return self.learn([[self._compare(one, other) for other in references] for one in candidates], families)

    def learn(
        self, similarity: list[list[npt.NDArray[np.float64]]], families: Sequence[str]
    ) -> npt.NDArray[np.float64]:
        """As `fit_transform`, from what is `similarity_` afterwards."""
        self.similarity_, self.derived_ = similarity, {}
        levels: dict[tuple[str, str], list[npt.NDArray[np.float64]]] = {}
        for row, family in zip(similarity, families, strict=True):
            for values, other in zip(row, families, strict=True):
                if family != other:
                    levels.setdefault((family, other), []).append(values)
        shape = similarity[0][0].shape
        means = [_mean(np.stack(level)) for level in levels.values()]
        self.background_ = np.clip(_mean(np.stack(means)) if means else np.zeros(shape), 0, HIGHEST_BACKGROUND)
        return np.array([[self.beyond_background(values).sum(axis=1) for values in row] for row in similarity])

    def similarities(self, candidate: Signature, reference: Signature) -> npt.NDArray[np.float64]:
        """Similarity by channel and canary: [n_channels, n_canaries], NaN where there is none.

        A pair is compared once, and kept beside its similarity, so that no other signature gets its `id`.
        """
        if self._of is not None:
            return self._part(self._of.similarities(candidate, reference))
        key = (id(candidate), id(reference))
        if key not in self._compared:
            self._compared[key] = candidate, reference, self._compare(candidate, reference)
        return self._compared[key][2]

    def remember(self, candidate: Signature, reference: Signature, similarity: npt.NDArray[np.float64]) -> None:
        """Similarities of a pair that was compared elsewhere: [n_channels, n_canaries]."""
        self._compared[id(candidate), id(reference)] = candidate, reference, similarity

    def _part(self, similarity: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The rows of our channels, of similarities with all those that `_of` has."""
        names = self.channels if self._of is None else self._of.channels
        rows: npt.NDArray[np.float64] = similarity[[names.index(name) for name in self.channels]]
        return rows

    def _compare(self, candidate: Signature, reference: Signature) -> npt.NDArray[np.float64]:
        rows = []
        for name in self.channels:
            one, other = candidate.channels.get(name), reference.channels.get(name)
            absent = np.full(len(candidate.canaries), np.nan)
            rows.append(absent if one is None or other is None else all_channels()[name].similarity(one, other))
        return np.stack(rows)

    def terms(self, candidate: Signature, reference: Signature) -> npt.NDArray[np.float64]:
        """What each canary adds to each feature: [n_channels, n_canaries]; a feature is the sum of its row."""
        return self.beyond_background(self.similarities(candidate, reference))

    def beyond_background(self, similarity: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What each canary adds, from similarities [..., n_channels, n_canaries]."""
        known = ~np.isnan(similarity)
        excess = np.where(known, similarity - self.background_, 0.0)
        possible = np.where(known, 1 - self.background_, 0.0).sum(axis=-1, keepdims=True)
        terms: npt.NDArray[np.float64] = excess / np.where(possible > 0, possible, 1.0)
        return terms

    def __call__(self, candidates: Sequence[Signature], references: Sequence[Signature]) -> npt.NDArray[np.float64]:
        """Features of all pairs: [n_candidates, n_references, n_channels]."""
        return np.array([[self.terms(one, other).sum(axis=1) for other in references] for one in candidates])


@dataclass(frozen=True)
class ExtendedPairing:
    """A pairing with more features, at the end: `scores` [n_references, n_more] of one candidate."""

    pairing: Pairing
    scores: npt.NDArray[np.float64]

    def __call__(self, candidates: Sequence[Signature], references: Sequence[Signature]) -> npt.NDArray[np.float64]:
        """Features of all pairs [1, n_references, n_channels + n_more]."""
        return np.concatenate([self.pairing(candidates, references), self.scores[None]], axis=-1)


def kind_means(values: npt.NDArray[np.float64], kinds: Sequence[str]) -> Mapping[str, float]:
    """Mean of values [n_canaries] by the canaries' kind, NaN left out; kinds without any value are left out."""
    means = {}
    for kind in dict.fromkeys(kinds):
        chosen = values[np.array([k == kind for k in kinds])]
        if not np.isnan(chosen).all():
            means[kind] = float(np.nanmean(chosen))
    return means


def _mean(stack: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean over the first axis; 0 where nothing is known."""
    known = ~np.isnan(stack)
    total = np.where(known, stack, 0.0).sum(axis=0)
    mean: npt.NDArray[np.float64] = total / np.maximum(known.sum(axis=0), 1)
    return mean
