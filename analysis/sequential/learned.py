"""What pairs of a library teach about kinship, at every number of canaries, and what each canary will tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis.attribution.posterior import doubted, family_evidence, log_posterior
from analysis.attribution.rules import Rules
from analysis.benchmark.compared import Compared
from analysis.benchmark.learning import PairLearner
from analysis.benchmark.pair_features import Mask, Matrix, PairFeatures, Places
from analysis.benchmark.rare_cases import Layout
from analysis.benchmark.rival_features import RivalFeatures
from analysis.benchmark.whose import Whose
from analysis.kinship.similarities import Tensor
from analysis.sequential.shared import SharedAtLooks

SIZES = (2, 4, 6, 8, 16, 32, 64, 128, 256)
"""Numbers of canaries that a classifier is fitted at; between two, the one fitted at fewer is used. Of one, nothing is
known of how prompts are cut: token counts are compared up to a constant."""
_DRAWS = 10
_DRAWS_WITH_SHARED = 3  # which take longer


@dataclass(frozen=True)
class Learned:
    """Fitted on some pairs, for candidates compared with some references.

    `background` [n_channels, n_canaries]; at each of `sizes` nats for a unit of each feature, `slopes`
    [n_sizes, n_features], after those of channels what counts beside them, and `intercepts` [n_sizes]; `family`
    [n_references]
    numbers the references' families from 0; `tells` [n_families, n_families + 1, n_canaries] is what a canary tells a
    family from another, or from strangers. `usual` [n_kinds, n_references, n_canaries]: how far every reference, there
    or not, stands out for strangers. `layout` says what stands for what can't be told.
    """

    background: Matrix
    sizes: Sequence[int]
    slopes: Matrix
    intercepts: Matrix
    family: Places
    tells: Matrix
    rules: Rules
    usual: Tensor
    layout: Layout

    @cached_property
    def log_prior(self) -> Matrix:
        """[n_families + 1], `unknown` last."""
        n, unknown = self.tells.shape[0], self.rules.unknown_prior
        return np.append(np.full(n, np.log((1 - unknown) / n)), np.log(unknown))

    def log_posterior(
        self, excess: Matrix, possible: Matrix, n: int, beside: Sequence[Matrix] = ()
    ) -> tuple[Matrix, Matrix]:
        """With the doubt of the rules, and without any: both [n_families + 1].

        From sums over n canaries [n_channels, n_references], similarity beyond background and how much there could
        have been; and from what counts `beside` the channels, each [n_references].
        """
        size = max(int(np.searchsorted(self.sizes, n, side="right")) - 1, 0)
        features = excess / np.where(possible > 0, possible, 1)
        everything = np.concatenate([features, *(self.layout.filled(one)[None] for one in beside)])
        ratios = self.slopes[size] @ everything + self.intercepts[size]
        evidence = family_evidence(ratios[None], self.family)
        without = log_posterior(evidence, self.log_prior)[0]
        return doubted(without, self.log_prior, self.rules.doubt), without


class Teacher:
    """All models of one access, compared; `shared` says what their logits have in common, where that counts.

    `references` are the places of the references among the models. `most` canaries are asked at most.
    """

    def __init__(
        self,
        compared: Compared,
        whose: Whose,
        references: Places,
        rules: Rules,
        most: int,
        shared: SharedAtLooks | None = None,
    ) -> None:
        tensor = compared.tensor
        self.compared, self.tensor, self.references, self.rules = compared, tensor, references, rules
        self.rows, self.columns = whose.rows, whose.columns
        n = tensor.shape[-1]
        self.sizes = [size for size in SIZES if size <= min(most, n)]
        self.draws = _DRAWS if shared is None else _DRAWS_WITH_SHARED
        orders = [np.random.default_rng(draw).permutation(n) for draw in range(self.draws)]
        chosen = np.zeros((n, len(self.sizes) * self.draws), np.float32)
        for column, (size, order) in enumerate((size, order) for size in self.sizes for order in orders):
            chosen[order[:size], column] = 1
        self.features = PairFeatures(compared, chosen, self.rows, self.columns)
        self.rivals = RivalFeatures(compared.alike, whose, chosen)
        untold = 0.0 if shared is None else shared.untold
        self.learner = PairLearner(whose, Layout(len(tensor) + self.rivals.count, compared.tokenizer, untold))
        drawn = [order[:size].tolist() for size in self.sizes for order in orders]
        self.shared = shared
        self._drawn = None if shared is None else shared.looked_at(len(self.rows), drawn)
        self.different = np.arange(len(self.rows))[:, None] != references
        between = tensor[:, references]  # [n_channels, n_references, n_references, n_canaries]
        self._known = ~np.isnan(between) & ~np.eye(len(references), dtype=bool)[None, :, :, None]
        self._between = np.where(self._known, between, 0)

    def teach(
        self,
        training: Mask,
        there: Places,
        held_out: frozenset[str] = frozenset(),
        absent: frozenset[str] = frozenset(),
    ) -> Learned | None:
        """From the pairs [n_models, n_references] that may be looked at, for the references that are there.

        Lineages that are `held_out` or `absent` are nobody's rivals where kinship is learned.

        None where these pairs are all of kin or all of strangers.
        """
        if not self.learner.can_learn(training):
            return None
        background = self.features.background(training)
        usual = self.rivals.usual(training, held_out | absent)
        features = self._features(background, usual, held_out, absent)
        fitted = [
            self.learner.fit(features[first : first + self.draws], training)
            for first in range(0, len(features), self.draws)
        ]
        slopes, intercepts = np.array([one.slopes for one in fitted]), np.array([one.intercept for one in fitted])
        family = np.unique(self.columns[there], return_inverse=True)[1]
        kin = training & self.learner.whose.kin
        middle, n = len(fitted) // 2, len(self.tensor)
        tells = self._tells(background, slopes[middle][:n], kin, there, family)
        beside = slopes[middle][n : n + self.rivals.count] / np.sqrt(self.sizes[middle])
        apart = np.arange(tells.shape[0])[:, None] != np.arange(tells.shape[1])
        tells[apart] += self._rivals_tell(beside, usual, kin, held_out | absent)
        if self.shared is not None and (left := self.shared.unexplained(absent)) is not None:
            drawn = features[middle * self.draws : (middle + 1) * self.draws, ..., -1]
            nats = slopes[middle][-1] / self.sizes[middle] * self._mean_of(kin, drawn.mean(axis=0))
            of_families = [left[there][family == one].mean(axis=0) for one in range(len(tells))]
            tells += nats * np.array(of_families)[:, None] * apart[..., None]
        layout = self.learner.layout
        return Learned(background, self.sizes, slopes, intercepts, family, tells, self.rules, usual, layout)

    def _features(
        self, background: Matrix, usual: Tensor, held_out: frozenset[str], absent: frozenset[str]
    ) -> npt.NDArray[np.float32]:
        """Of all pairs, on all draws of canaries: [n_draws, n_models, n_references, n_features]."""
        beside = self.rivals.to_learn_from(usual, held_out | absent)
        features = np.concatenate([self.features(background), beside], axis=-1)
        if self._drawn is None:
            return features
        shared = np.zeros((*features.shape[:3], 1), np.float32)
        for draw, model in np.ndindex(*features.shape[:2]):
            seen = self._drawn(draw, model, absent)
            if seen is not None:
                shared[draw, model, :, 0] = self.learner.layout.filled(seen)
        return np.concatenate([features, shared], axis=-1)

    def _tells(self, background: Matrix, slopes: Matrix, kin: Mask, there: Places, family: Places) -> Matrix:
        """What a canary is expected to add to the evidence for a family, if it is the true one, beyond what it adds for
        another, or for strangers: the classifier's own expectation (a divergence in nats, up to a common factor).

        What kin are expected to share is learned from kin; what two families share, from their references.
        """
        shared = self._kin_mean(kin)  # [n_channels, n_canaries]
        belongs = (np.arange(family.max() + 1)[:, None] == family).astype(np.float32)
        between = [self._between[:, there][:, :, there], self._known[:, there][:, :, there].astype(np.float32)]
        sums, counts = (np.einsum("ai,bj,cijn->abcn", belongs, belongs, one, optimize=True) for one in between)
        others = np.concatenate(
            [
                np.where(counts > 0, sums / np.maximum(counts, 1), shared),
                np.broadcast_to(background, (len(belongs), 1, *background.shape)),
            ],
            axis=1,
        )
        weight = slopes / np.maximum((1 - background).mean(axis=1), 1e-3)
        tells: Matrix = np.einsum("c,abcn->abn", weight, shared - others)
        tells[np.arange(len(belongs)), np.arange(len(belongs))] = 0
        return tells

    def _rivals_tell(self, slopes: Matrix, usual: Tensor, kin: Mask, absent: frozenset[str]) -> Matrix:
        """What a canary is expected to add beside rivals, the same whatever the family: [n_canaries].

        `slopes`: nats for a difference as large as differences of kin are.
        """
        told = np.zeros(self.tensor.shape[-1])
        for slope, (pairs, seen) in zip(slopes, self.rivals.of_kin(usual, kin, absent), strict=True):
            if seen.any():
                even = self.learner.whose.even_weights(pairs)
                told += slope * (even @ seen) / even.sum() / np.sqrt((seen**2).mean())
        return told

    def _mean_of(self, kin: Mask, values: Matrix) -> float:
        """Of kin among pairs [n_models, n_references], every pair of families weighing the same."""
        return float(np.average(values[kin], weights=self.learner.whose.even_weights(kin)))

    def _kin_mean(self, kin: Mask) -> Matrix:
        """The mean similarity of kin, every family weighing the same: [n_channels, n_canaries]."""
        means = []
        for family in np.unique(self.rows[kin.any(axis=1)]).tolist():
            pairs = self.tensor[:, kin & (self.rows == family)[:, None]]
            known = ~np.isnan(pairs)
            means.append(np.where(known, pairs, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
        return np.asarray(np.mean(means, axis=0, dtype=np.float64))
