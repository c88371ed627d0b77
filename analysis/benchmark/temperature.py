"""How sharp evidence about families is, once pairs are put together: one number, fitted on what would be said.

A ratio learned from pairs may say too little of a candidate whose base is among the references. A temperature (Guo et
al. 2017, section 4.2; on data set apart there, on the pairs that the few coefficients were learned from here, and
judged on lineages held out) is fitted to the posteriors of these models: of descendants and students with their family
there, and of all without it. It sees the same rare cases as the classifier (`analysis.benchmark.rare_cases`), which is
what keeps it from taking a shared tokenizer for proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from analysis.attribution.posterior import family_evidence, log_posterior
from analysis.benchmark.pair_features import Mask, Matrix, Places
from analysis.benchmark.rare_cases import ERASED, SHARED_TOKENIZERS, Layout
from analysis.benchmark.whose import Whose
from analysis.kinship.fitted import LinearKinship

_SHARPEST = 4.0
_UNKNOWN = 0.5  # prior of `unknown` in the fit, whatever the verdict's: that is put in afterwards


@dataclass(frozen=True)
class _Trials:
    """`ratios` and `there` [n_trials, n_references], the `truth` by number, `unknown` being the number of families,
    and weights [n_trials]."""

    ratios: Matrix
    there: Mask
    truth: Places
    weight: Matrix


def tempered(
    linear: LinearKinship,
    features: npt.NDArray[np.float32],
    training: Mask,
    whose: Whose,
    layout: Layout,
) -> LinearKinship:
    """Kinship with all ratios multiplied by one number from 1 to 4, that of least log loss over known and unknown
    candidates.

    `features` [n_models, n_references, n_features]; of the pairs, those in `training` [n_models, n_references] are
    looked at. Known and unknown weigh the same, within either every lineage the same. Without both nothing is to be
    fitted.
    """
    known = np.flatnonzero((training & whose.same).any(axis=1) & whose.candidates)
    unknown = np.flatnonzero((training & ~whose.same).any(axis=1))
    if not len(known) or not len(unknown):
        return linear
    tested = np.concatenate([known, unknown])
    alone = np.arange(len(tested)) >= len(known)
    trials = _trials(linear, features, training, whose, tested, alone, layout)
    family = np.unique(whose.columns, return_inverse=True)[1]
    found = minimize_scalar(
        lambda log: _log_loss(trials, family, float(np.exp(log))),
        bounds=(0.0, np.log(_SHARPEST)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    scale = float(np.exp(found.x))
    return LinearKinship(scale * linear.slopes, scale * linear.intercept)


def _trials(
    linear: LinearKinship,
    features: npt.NDArray[np.float32],
    training: Mask,
    whose: Whose,
    tested: Places,
    alone: Mask,
    layout: Layout,
) -> _Trials:
    """The models `tested` [n_tested], `alone` those whose family is taken out; each as it is, and as the rare case."""
    same, taken_out = whose.same[tested], alone[:, None]
    names, family = np.unique(whose.columns, return_inverse=True)
    there = training[tested] & ~(same & taken_out)
    usual = features[tested].astype(np.float64)
    rare, share = usual, np.zeros(len(tested))
    if layout.tokenizer is not None:
        shared = layout.with_one_tokenizer(usual, np.ones(same.shape, dtype=bool))
        nearest = family_evidence(linear.decision_function(shared), family, there).argmax(axis=1)
        rare = layout.with_one_tokenizer(usual, taken_out & (nearest[:, None] == family))
        rare = layout.erased(rare, same & ~taken_out)
        share = np.where(alone, SHARED_TOKENIZERS, ERASED)
    weight = _evenly([f"{whose.lineages[place]}/{no}" for place, no in zip(tested, alone, strict=True)], alone)
    truth = np.where(alone, len(names), np.searchsorted(names, whose.rows[tested]))
    return _Trials(
        linear.decision_function(np.concatenate([usual, rare])),
        np.concatenate([there, there]),
        np.concatenate([truth, truth]),
        np.concatenate([weight * (1 - share), weight * share]),
    )


def _evenly(lineages: Sequence[str], side: Mask) -> Matrix:
    """Weights that sum to 1 on either side, every lineage weighing the same."""
    number, counts = np.unique(lineages, return_inverse=True, return_counts=True)[1:]
    weight = 1 / counts[number]
    for one in (side, ~side):
        weight[one] /= weight[one].sum()
    return np.asarray(weight)


def _log_loss(trials: _Trials, family: Places, scale: float) -> float:
    evidence = family_evidence(scale * trials.ratios, family, trials.there)
    prior = (1 - _UNKNOWN) / np.isfinite(evidence).sum(axis=1, keepdims=True)
    unknown = np.full((len(evidence), 1), _UNKNOWN)
    log_prior = np.log(np.column_stack([np.broadcast_to(prior, evidence.shape), unknown]))
    said = log_posterior(evidence, log_prior)[np.arange(len(evidence)), trials.truth]
    return -float(trials.weight @ said)
