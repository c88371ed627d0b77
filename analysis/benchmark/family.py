"""Whose family: posteriors of models whose lineage and technique no fitted part has seen, and of unknown families.

What is fitted (the background of the pairs, and the kinship classifier) sees no pair that involves a lineage held out,
as candidate or as reference, nor a candidate of the technique that is tested. The base of a lineage held out stands in
the library when its descendants are tested, as it would.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.attribution.posterior import Attributor
from analysis.attribution.rules import Rules
from analysis.benchmark.compared import Compared
from analysis.benchmark.learning import PairLearner
from analysis.benchmark.pair_features import Mask, PairFeatures, Places
from analysis.benchmark.rare_cases import Layout
from analysis.benchmark.rival_features import RivalFeatures
from analysis.benchmark.specimens import Specimen
from analysis.benchmark.splits import known_candidates, training_pairs
from analysis.benchmark.trials import Subset as Subset
from analysis.benchmark.trials import Trials as Trials
from analysis.benchmark.whose import Whose
from analysis.kinship.fitted import LinearKinship

ACCEPTED = 0.95
"""The share of known candidates of training lineages below the threshold for `unknown`."""


@dataclass(frozen=True)
class PairScores:
    """One more feature of a pair, beside the channels: what its logits have in common, or a peer's score.

    `on` a subset of canaries, as if some lineages were not in the library [n_models, n_references]; NaN where nothing
    can be told, for which `untold` stands (analysis.benchmark.rare_cases.Layout).
    """

    on: Callable[[Subset, frozenset[str]], npt.NDArray[np.float64]]
    untold: float = 0.0


class FamilyTest:
    """All models of one access, compared, and pairs' `scores` beside the channels.

    Without `techniques` lineages alone are held out: as many fits as there are folds. `given`: kinship learned
    beforehand, for every subset; then only the background is learned.
    """

    def __init__(
        self,
        models: Sequence[Specimen],
        references: Places,
        compared: Compared,
        subsets: dict[Subset, Places],
        rules: Rules | None = None,
        scores: PairScores | None = None,
        techniques: bool = True,
        given: Mapping[Subset, LinearKinship] | None = None,
    ) -> None:
        self.models, self.references, self.rules = list(models), references, rules or Rules()
        self.techniques, self.given, self.scores = techniques, given, scores
        self.vocabularies = [one.vocabulary for one in models]
        whose = Whose.of(models, references)
        self.families, self.rows, self.columns = whose.families, whose.rows, whose.columns
        self.subsets = list(subsets)
        chosen = np.zeros((compared.tensor.shape[-1], len(subsets)), np.float32)
        for place, canaries in enumerate(subsets.values()):
            chosen[canaries, place] = 1
        self.features = PairFeatures(compared, chosen, self.rows, self.columns)
        self.beside = RivalFeatures(compared.alike, whose, chosen)
        untold = 0.0 if scores is None else scores.untold
        layout = Layout(len(compared.tensor) + self.beside.count, compared.tokenizer, untold)
        self.learner = PairLearner(whose, layout)

    def run(self, step: Callable[[], object] = lambda: None) -> Trials:
        """Known candidates lineage by lineage and technique by technique, then each family as an unknown one."""
        trials = self.run_known(step)
        for family in range(len(self.families)):
            self._reject(trials, family)
            step()
        return trials

    def run_known(self, step: Callable[[], object] = lambda: None) -> Trials:
        """Known candidates alone."""
        trials = Trials()
        for held_out, technique, tested in self._known():
            self._attribute(trials, self._training(held_out, technique), held_out, tested)
            step()
        return trials

    def run_unknown(self, step: Callable[[], object] = lambda: None, trials: Trials | None = None) -> Trials:
        """Each family as an unknown one, without the threshold that `run` sets, added to `trials` that are there."""
        trials = trials or Trials()
        for family in range(len(self.families)):
            self._leave_out(trials, family)
            step()
        return trials

    @property
    def rounds(self) -> int:
        """How often `run` calls its `step`."""
        return len(list(self._known())) + len(self.families)

    def fitted_on_all(self) -> Iterator[tuple[Subset, LinearKinship]]:
        """For each subset what all pairs together teach, nothing held out; nothing where no family has two models."""
        for subset, kinship, _ in self._fitted(self._training(frozenset())):
            yield subset, kinship

    def _known(self) -> Iterator[tuple[frozenset[str], str | None, list[int]]]:
        """Lineages held out, technique held out, and the models to test: those with a family in the library."""
        yield from known_candidates(self.models, self.rows, self.references, self.techniques)

    def _training(self, held_out: frozenset[str], technique: str | None = None, family: int = -1) -> Mask:
        """The pairs that may be learned from: [n_models, n_references]."""
        return training_pairs(self.models, self.rows, self.references, held_out, technique, family)

    def _attribute(self, trials: Trials, training: Mask, held_out: frozenset[str], tested: list[int]) -> None:
        everybody, sharing = np.arange(len(self.references)), self._by_tokenizer(tested)
        for subset, kinship, values in self._fitted(training, held_out):
            posterior = self._posterior(kinship, values[tested][:, everybody], self.columns)
            hit, said = self._judged(posterior, tested, self.columns)
            trials.keep("hit", subset, dict(zip(tested, hit, strict=True)))
            trials.keep("posterior", subset, dict(zip(tested, posterior, strict=True)))
            named, _ = self._judged(posterior[:, :-1], tested, self.columns)
            trials.keep("named", subset, dict(zip(tested, named, strict=True)))
            trials.keep("loss", subset, dict(zip(tested, -np.log(np.clip(said, 1e-300, None)), strict=True)))
            trials.keep("attributed", subset, self._enough(tested, said))
            trials.keep("unknown_known", subset, dict(zip(tested, posterior[:, -1], strict=True)))
            for models, there in sharing:
                posterior = self._posterior(kinship, values[models][:, there], self.columns[there])
                hit, _ = self._judged(posterior, models, self.columns[there])
                trials.keep("hit_same_tokenizer", subset, dict(zip(models, hit, strict=True)))

    def _judged(
        self, posterior: npt.NDArray[np.float64], tested: list[int], columns: Places
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Whether the true family is the likeliest, and its posterior: both [n_tested]."""
        truth = np.searchsorted(np.unique(columns), self.rows[tested])
        return (posterior.argmax(axis=1) == truth).astype(float), posterior[np.arange(len(tested)), truth]

    def _enough(self, tested: list[int], posterior: npt.NDArray[np.float64]) -> dict[int, float]:
        """By model, whether a family with this posterior [n_tested] is named."""
        return dict(zip(tested, (posterior >= self.rules.attributed_at).astype(float), strict=True))

    def _by_tokenizer(self, tested: list[int]) -> list[tuple[list[int], Places]]:
        """Models with the references that share their tokenizer, where the model's family is one of two or more."""
        found = []
        for name in sorted({name for place in tested if (name := self.vocabularies[place]) is not None}):
            there = np.flatnonzero([self.vocabularies[place] == name for place in self.references])
            families = set(self.columns[there].tolist())
            models = [place for place in tested if self.vocabularies[place] == name and self.rows[place] in families]
            if models and len(families) > 1:
                found.append((models, there))
        return found

    def _reject(self, trials: Trials, family: int) -> None:
        """A family taken out of references, of what is fitted, and of the threshold; its models are the unknown."""
        others, theirs = self._without(family)
        accepted: dict[Subset, list[float]] = {}
        for held_out, tested in self._folds_without(family):
            training = self._training(held_out | theirs, family=family)
            for subset, kinship, values in self._fitted(training, held_out, theirs):
                posterior = self._posterior(kinship, values[tested][:, others], self.columns[others])
                accepted.setdefault(subset, []).extend(posterior[:, -1])
        self._leave_out(trials, family)
        tested = np.flatnonzero(self.rows == family).tolist()
        for subset, likely in accepted.items():
            if unknown := trials.unknown_left_out.get(subset):
                threshold = np.quantile(likely, ACCEPTED, method="higher")
                trials.keep("rejected", subset, {place: float(unknown[place] > threshold) for place in tested})

    def _leave_out(self, trials: Trials, family: int) -> None:
        """Posteriors of a family's models, the family taken out of references and of what is fitted."""
        others, theirs = self._without(family)
        tested = np.flatnonzero(self.rows == family).tolist()
        if not len(others):
            return
        for subset, kinship, values in self._fitted(self._training(theirs, family=family), absent=theirs):
            posterior = self._posterior(kinship, values[tested][:, others], self.columns[others])
            left = np.searchsorted(np.unique(self.columns), family)
            whole = np.insert(posterior, left, 0, axis=1) if (self.columns == family).any() else posterior
            trials.keep("posterior_left_out", subset, dict(zip(tested, whole, strict=True)))
            trials.keep("unknown_left_out", subset, dict(zip(tested, posterior[:, -1], strict=True)))
            trials.keep("stranger_attributed", subset, self._enough(tested, posterior[:, :-1].max(axis=1)))

    def _without(self, family: int) -> tuple[Places, frozenset[str]]:
        """Columns of the references of other families, and the family's lineages."""
        theirs = frozenset(one.lineage for one, number in zip(self.models, self.rows, strict=True) if number == family)
        return np.flatnonzero(self.columns != family), theirs

    def _folds_without(self, family: int) -> Iterator[tuple[frozenset[str], list[int]]]:
        """Known candidates of other families, with the lineages that are held out while they are tested."""
        tested: dict[frozenset[str], list[int]] = {}
        for held_out, _, places in self._known():
            tested.setdefault(held_out, []).extend(place for place in places if self.rows[place] != family)
        yield from ((held_out, places) for held_out, places in tested.items() if places)

    def _fitted(
        self, training: Mask, held_out: frozenset[str] = frozenset(), absent: frozenset[str] = frozenset()
    ) -> Iterator[tuple[Subset, LinearKinship, npt.NDArray[np.float32]]]:
        """For each subset what was learned, and the features [n_models, n_references, n_features] of all pairs.

        Lineages `held_out` are nobody's rivals where kinship is learned, those `absent` nowhere. Nothing where the
        pairs are all of kin or all of strangers.
        """
        if not self.learner.can_learn(training):
            return
        channels = self.features(self.features.background(training))
        usual = self.beside.usual(training, held_out | absent)
        beside, given = self.beside(usual, absent), self.given
        nothing = beside[:0]  # what was learned beforehand is not learned again
        to_learn_from = self.beside.to_learn_from(usual, held_out | absent) if given is None else nothing
        for place, subset in enumerate(self.subsets):
            scores = self._scores(subset, absent)
            if given is None:
                features = np.concatenate([channels[place], to_learn_from[place], scores], axis=-1)
                learned = self.learner.fit(features[None], training)
            else:
                learned = given[subset]
            yield subset, learned, np.concatenate([channels[place], beside[place], scores], axis=-1)

    def _scores(self, subset: Subset, absent: frozenset[str]) -> npt.NDArray[np.float32]:
        """Of pairs [n_models, n_references, 1], or 0 of them."""
        if self.scores is None:
            return np.empty((len(self.models), len(self.references), 0), np.float32)
        return self.learner.layout.filled(self.scores.on(subset, absent)).astype(np.float32)[..., None]

    def _posterior(
        self, kinship: LinearKinship, features: npt.NDArray[np.float32], families: Places
    ) -> npt.NDArray[np.float64]:
        pairs = features.astype(np.float64)
        attributor = Attributor(
            kinship,
            pairing=lambda candidates, references: pairs,
            unknown_prior=self.rules.unknown_prior,
            doubt=self.rules.doubt,
        )
        attributor.fit(np.arange(pairs.shape[1]), np.array([f"{number:06}" for number in families]))
        posterior: npt.NDArray[np.float64] = attributor.predict_proba(np.arange(len(pairs)))
        return posterior
