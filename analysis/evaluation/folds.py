"""One fold of an evaluation: everything is learned from some models, and says what it thinks of the others."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.kinship.canary_weights import PairMoments
from analysis.kinship.classifier import KinshipClassifier
from analysis.kinship.recalibration import Recalibration, Trials, fit_recalibration
from analysis.kinship.surprise import surprise_features
from analysis.kinship.typicality import Typicality

Places = npt.NDArray[np.intp]
Subsets = npt.NDArray[np.float32]
_MOST_GROUPS = 60  # classes of weights left out inside a fold: enough to fit three numbers, however large the library
_MOST_STRANGERS = 120  # models whose family is left out inside a fold, likewise


@dataclass(frozen=True)
class Settings:
    """`unknown_prior` None: `unknown` is as likely as any one family. `regularisation` as in KinshipClassifier."""

    unknown_prior: float | None = None
    regularisation: float = 10.0


@dataclass(frozen=True)
class Compared:
    """Models of a fold compared with references: `features` [n_subsets, n_trials, n_models, n_features], `there`
    [n_trials, n_models] the references, `candidates` [n_trials], `known` [n_trials] whether their family is there."""

    features: npt.NDArray[np.float32]
    there: npt.NDArray[np.bool_]
    candidates: Places
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fitted:
    """Pair scores and their recalibration for one number of canaries; `kinship` None where nothing could be learned."""

    kinship: KinshipClassifier | None
    recalibration: Recalibration

    def log_posterior(self, learned: Typicality, compared: Compared, subset: int) -> npt.NDArray[np.float64]:
        """[n_trials, n_families + 1] on one of the subsets of canaries."""
        return self.recalibration(trials(learned, compared, [subset], self.kinship))


def compare_inside(learned: Typicality, subsets: Subsets, moments: PairMoments, seed: int) -> Compared:
    """Every class of weights, and every family, of the training set left out in turn, as the candidate is."""
    weights, families = learned.weights[learned.places], learned.families[learned.places]
    classes = np.unique(weights)
    if len(classes) > _MOST_GROUPS:
        classes = np.random.default_rng(seed).choice(classes, _MOST_GROUPS, replace=False)
    groups = [learned.places[weights == one] for one in classes]
    groups = [group for group in groups if _has_relatives(learned, group)]
    weigh = {family: moments.weights(family) for family in np.unique(families).tolist()}  # by what others show
    parts = [_compare_left_out(learned, group, group, subsets, weigh, known=True) for group in groups]
    left = [learned.places[families == one] for one in np.unique(families)]
    if len(left) > 1:
        there = sum(map(len, left))
        most = there if there <= _MOST_STRANGERS else max(1, _MOST_STRANGERS // len(left))
        parts += [
            _compare_left_out(learned, group, _some(group, most, seed), subsets, weigh, known=False) for group in left
        ]
    return Compared(
        np.concatenate([part.features for part in parts], axis=1),
        np.concatenate([part.there for part in parts]),
        np.concatenate([part.candidates for part in parts]),
        np.concatenate([part.known for part in parts]),
    )


def _some(group: Places, most: int, seed: int) -> Places:
    """At most so many of a group, in order."""
    chosen = np.random.default_rng([seed, int(group[0])]).permutation(group)[:most]
    return np.sort(chosen)


def _compare_left_out(
    learned: Typicality,
    group: Places,
    asked: Places,
    subsets: Subsets,
    weigh: dict[int, npt.NDArray[np.float32]],
    known: bool,
) -> Compared:
    """Some of a group of models, all of which are left out, compared with the rest."""
    return compare(learned.without(group), asked, subsets, weigh[int(learned.families[group[0]])], known)


def compare(
    learned: Typicality, candidates: Places, subsets: Subsets, weights: npt.NDArray[np.float32], known: bool
) -> Compared:
    """Candidates that `learned` has not seen, against all the models that it has."""
    features = surprise_features(learned, candidates, subsets, weights)
    there = np.zeros((len(candidates), len(learned.families)), dtype=bool)
    there[:, learned.places] = True
    return Compared(features, there, candidates, np.full(len(candidates), known))


def fit(learned: Typicality, inside: Compared, subsets: list[int], settings: Settings) -> Fitted:
    """Learn kinship from the pairs, and its recalibration from the trials, on some subsets of canaries together."""
    prior = Recalibration(unknown_prior=settings.unknown_prior)
    trial, reference = np.nonzero(inside.there)
    families = learned.families[inside.candidates[trial]], learned.families[reference]
    same = families[0] == families[1]
    if same.all() or not same.any():
        return Fitted(None, prior)
    group = families[0] * (learned.families.max() + 1) + families[1]
    weight = 1 / np.bincount(group)[group]
    pairs = np.concatenate([inside.features[subset][trial, reference] for subset in subsets])
    kinship = KinshipClassifier(settings.regularisation).fit(
        pairs, np.tile(same, len(subsets)).astype(int), np.tile(weight * len(weight) / weight.sum(), len(subsets))
    )
    return Fitted(kinship, fit_recalibration(trials(learned, inside, subsets, kinship), settings.unknown_prior))


def trials(learned: Typicality, compared: Compared, subsets: list[int], kinship: KinshipClassifier | None) -> Trials:
    """Scores of all pairs on some subsets, one after the other."""
    ratios = np.zeros((len(subsets), *compared.there.shape))
    if kinship is not None:
        for place, subset in enumerate(subsets):
            ratios[place][compared.there] = kinship.decision_function(compared.features[subset][compared.there])
    truth = np.where(compared.known, learned.families[compared.candidates], learned.families.max() + 1)
    there = np.tile(compared.there, (len(subsets), 1))
    return Trials(ratios.reshape(there.shape), there, learned.families, np.tile(truth, len(subsets)))


def _has_relatives(learned: Typicality, group: Places) -> bool:
    kin = learned.places[learned.families[learned.places] == learned.families[group[0]]]
    return bool((learned.weights[kin] != learned.weights[group[0]]).any())
