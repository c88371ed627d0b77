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
from scipy.special import logsumexp

from analysis.attribution.posterior import family_evidence, log_posterior

_PENALTY = 0.05  # of the squared parameters, shared out over the families: few lineages move them little
_NOWHERE = -1e9  # nats below the best, of a reference that is not there
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
    penalty = _PENALTY / len(np.unique(trials.family))
    loss = _Loss(trials, weight, unknown_prior)

    def penalised(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        of_each = penalty * np.array([1, 0.3, 1])
        value, slopes = loss(values)
        return value + float(of_each @ values**2), slopes + 2 * of_each * values

    log_scale, offset, log_focus = minimize(penalised, np.zeros(3), jac=True, method="L-BFGS-B", bounds=_BOUNDS).x
    return Recalibration(float(np.exp(log_scale)), float(offset), float(np.exp(log_focus)), unknown_prior)


class _Loss:
    """The weighted log loss by log scale, offset and log focus, and its slopes: of what `Recalibration` says of the
    trials. Whatever the three numbers don't change is looked at once."""

    def __init__(self, trials: Trials, weight: npt.NDArray[np.float64], unknown_prior: float | None) -> None:
        self.weight, order = weight, np.argsort(trials.family, kind="stable")
        self.family = trials.family[order]
        self.starts = np.searchsorted(self.family, np.arange(int(self.family.max()) + 1))
        there, ratios = trials.there[:, order], trials.ratios[:, order]
        self.highest = np.maximum.reduceat(np.where(there, ratios, -np.inf), self.starts, axis=1)
        self.there = np.isfinite(self.highest)
        self.highest = np.where(self.there, self.highest, 0.0)
        self.below = np.where(there, ratios - self.highest[:, self.family], _NOWHERE)
        self.size = np.maximum(np.add.reduceat(there, self.starts, axis=1, dtype=np.float64), 1)
        self.log_prior = _log_prior(np.where(self.there, 0.0, -np.inf), unknown_prior)
        self.true = np.arange(self.there.shape[1] + 1) == trials.truth[:, None]  # [n_trials, n_families + 1]

    def __call__(self, values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        scale, offset, focus = np.exp(values[0]), values[1], np.exp(values[2])
        likelihood = np.exp(focus * self.below)
        total = np.where(self.there, np.add.reduceat(likelihood, self.starts, axis=1), 1)
        log_mean = np.where(self.there, np.log(total / self.size), 0.0)
        evidence = self.highest + log_mean / focus
        joint = np.column_stack([np.where(self.there, scale * evidence - offset, -np.inf), np.zeros(len(evidence))])
        joint += self.log_prior
        said = joint - logsumexp(joint, axis=1, keepdims=True)
        pull = (self.weight[:, None] * (self.true - np.exp(said)))[:, :-1]
        likelihood *= self.below
        mean_below = np.add.reduceat(likelihood, self.starts, axis=1) / total
        by_focus = mean_below - log_mean / focus  # of the evidence, by log focus
        slopes = [scale * (pull * evidence).sum(), -pull.sum(), scale * (pull * by_focus).sum()]
        return -float(self.weight @ said[self.true]), -np.array(slopes)


def _unknown_share(trials: Trials, unknown_prior: float | None) -> float:
    return 1 / (len(np.unique(trials.family)) + 1) if unknown_prior is None else unknown_prior


def _log_prior(evidence: npt.NDArray[np.float64], unknown_prior: float | None) -> npt.NDArray[np.float64]:
    """Log prior [n_trials, n_families + 1]: `unknown_prior`, the rest shared evenly by the families that are there."""
    there = np.isfinite(evidence).sum(axis=1, keepdims=True)
    unknown = 1 / (there + 1) if unknown_prior is None else np.full(there.shape, unknown_prior)
    shares = np.column_stack([np.repeat((1 - unknown) / there, evidence.shape[1], axis=1), unknown])
    log_prior: npt.NDArray[np.float64] = np.log(shares)
    return log_prior
