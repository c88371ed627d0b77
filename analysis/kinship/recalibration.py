"""Posteriors that mean what they say: three numbers fitted on lineages that the pair scores have not seen.

Pairs of one family are not independent of each other, so a log-likelihood ratio learned from pairs is too sure of
itself, or not sure enough, once a family's pairs are put together. Models of the training set are therefore left out
one class of weights, and one family, at a time, as the candidate will be, and `scale` (temperature scaling; Guo et
al. 2017), `offset` (of `unknown`) and `focus` (see `family_evidence`) are fitted to what is then said of them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from analysis.attribution.posterior import family_evidence, log_posterior

_PENALTY = 0.05  # of the squared parameters, shared out over the families: few lineages move them little
_BOUNDS = ((-3.0, 3.0), (-8.0, 8.0), (-3.0, 2.0))


@dataclass(frozen=True)
class Trials:
    """Models compared with references as if they had never been seen.

    `ratios`, `there` [n_trials, n_references]; `family` [n_references] and `truth` [n_trials] by number, the truth
    of a model whose family is not there being the number of families.
    """

    ratios: npt.NDArray[np.float64]
    there: npt.NDArray[np.bool_]
    family: npt.NDArray[np.intp]
    truth: npt.NDArray[np.intp]


@dataclass(frozen=True)
class Recalibration:
    """How evidence becomes a posterior; the default changes nothing. `unknown_prior` None: as likely as one family."""

    scale: float = 1.0
    offset: float = 0.0
    focus: float = 1.0
    unknown_prior: float | None = None

    def __call__(self, trials: Trials) -> npt.NDArray[np.float64]:
        """Log posterior [n_trials, n_families + 1], -inf for a family that is not there."""
        evidence = family_evidence(trials.ratios, trials.family, trials.there, self.focus)
        return log_posterior(self.scale * evidence - self.offset, _log_prior(evidence, self.unknown_prior))


def fit_recalibration(trials: Trials, unknown_prior: float | None) -> Recalibration:
    """The least log loss over the trials, known and unknown ones weighing as the prior says."""
    share = _unknown_share(trials, unknown_prior)
    unknown = trials.truth > trials.family.max()
    weight = np.where(unknown, share / max(unknown.sum(), 1), (1 - share) / max((~unknown).sum(), 1))
    rows = np.arange(len(unknown))
    penalty = _PENALTY / len(np.unique(trials.family))

    def loss(values: npt.NDArray[np.float64]) -> float:
        scale, focus = np.exp(values[0]), np.exp(values[2])
        said = Recalibration(scale, values[1], focus, unknown_prior)(trials)[rows, trials.truth]
        return float(-(weight * said).sum() + penalty * (values[0] ** 2 + 0.3 * values[1] ** 2 + values[2] ** 2))

    log_scale, offset, log_focus = minimize(loss, np.zeros(3), method="L-BFGS-B", bounds=_BOUNDS).x
    return Recalibration(float(np.exp(log_scale)), float(offset), float(np.exp(log_focus)), unknown_prior)


def _unknown_share(trials: Trials, unknown_prior: float | None) -> float:
    return 1 / (len(np.unique(trials.family)) + 1) if unknown_prior is None else unknown_prior


def _log_prior(evidence: npt.NDArray[np.float64], unknown_prior: float | None) -> npt.NDArray[np.float64]:
    """Log prior [n_trials, n_families + 1]: `unknown_prior`, the rest shared evenly by the families that are there."""
    there = np.isfinite(evidence).sum(axis=1, keepdims=True)
    unknown = 1 / (there + 1) if unknown_prior is None else np.full(there.shape, unknown_prior)
    shares = np.column_stack([np.repeat((1 - unknown) / there, evidence.shape[1], axis=1), unknown])
    log_prior: npt.NDArray[np.float64] = np.log(shares)
    return log_prior
