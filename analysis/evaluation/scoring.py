"""How good a set of posteriors is: accuracy with its interval, open-set ranking, calibration."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

_BINS = 10
_SIMULATIONS = 2000


@dataclass(frozen=True)
class Predictions:
    """Log posteriors [n, n_classes], the last class being `unknown`, and what is true.

    `truth` [n] by class; `lineage` [n] the independent lineage that each is of; `weight` [n] sums to 1; `log_prior`
    [n] what the prior alone gave the truth.
    """

    log_posterior: npt.NDArray[np.float64]
    truth: npt.NDArray[np.intp]
    lineage: npt.NDArray[np.intp]
    weight: npt.NDArray[np.float64]
    log_prior: npt.NDArray[np.float64]


def wilson(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (Wilson 1927) of a share among n; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return max(0.0, middle - half), min(1.0, middle + half)


def auroc(known: npt.NDArray[np.float64], unknown: npt.NDArray[np.float64]) -> float:
    """The probability that an unknown's score is above a known's, ties counting half."""
    above = (unknown[:, None] > known[None, :]).mean()
    return float(above + (unknown[:, None] == known[None, :]).mean() / 2)


def accepted_at_90(
    known: npt.NDArray[np.float64],
    known_family: npt.NDArray[np.intp],
    unknown: npt.NDArray[np.float64],
    unknown_family: npt.NDArray[np.intp],
) -> float:
    """The share of knowns below the threshold that 90% of unknowns of other families than theirs are above."""
    accepted = [
        score < np.quantile(unknown[unknown_family != family], 0.1)
        for score, family in zip(known, known_family, strict=True)
        if (unknown_family != family).any()
    ]
    return float(np.mean(accepted)) if accepted else 0.0


def calibration(predictions: Predictions, seed: int = 0, simulations: int = _SIMULATIONS) -> dict[str, float]:
    """`ece` (of the likeliest class, 10 bins), `log_loss`, `log_loss_prior` (nats), and `p_value` of "calibrated"."""
    said, weight = predictions.log_posterior, predictions.weight
    loss = -said[np.arange(len(said)), predictions.truth]
    return {
        "ece": _expected_calibration_error(said, predictions.truth, weight),
        "log_loss": float(weight @ np.minimum(loss, 700.0)),
        "log_loss_prior": float(-(weight @ predictions.log_prior)),
        "p_value": calibration_p_value(predictions, seed, simulations),
    }


def calibration_p_value(predictions: Predictions, seed: int = 0, simulations: int = _SIMULATIONS) -> float:
    """The p-value of "the truth is drawn from these posteriors", two-sided, by simulation over lineages.

    Simulated are truths drawn from the posteriors; all predictions about one lineage share one draw (their errors
    go together as far as they can), so a lineage counts once however often it was asked about. The statistics are
    the excess of the log loss over what the posteriors expect (the score test for a temperature other than 1) and
    the excess of `unknown` among the truths; p is that of their Mahalanobis distance among the simulated.
    """
    said = np.maximum(predictions.log_posterior, -700.0)
    order = np.argsort(-said, axis=1, kind="stable")
    ranked = np.take_along_axis(said, order, axis=1)
    upto = np.cumsum(np.exp(ranked), axis=1)
    draws = np.random.default_rng(seed).random((simulations, int(predictions.lineage.max()) + 1))
    rows, unknown = np.arange(len(said)), said.shape[1] - 1
    observed = _statistics(said[rows, predictions.truth], predictions.truth == unknown, said, predictions.weight)
    simulated = np.empty((simulations, 2))
    for number, draw in enumerate(draws):
        place = np.minimum((upto < draw[predictions.lineage][:, None]).sum(axis=1), unknown)
        simulated[number] = _statistics(ranked[rows, place], order[rows, place] == unknown, said, predictions.weight)
    centre = simulated.mean(axis=0)
    spread = np.cov(simulated.T) + 1e-12 * np.eye(2)
    distance = _mahalanobis(np.vstack([simulated, observed]) - centre, spread)
    return float((1 + (distance[:-1] >= distance[-1] * (1 - 1e-9) - 1e-12).sum()) / (simulations + 1))


def _statistics(
    log_probability: npt.NDArray[np.float64],
    is_unknown: npt.NDArray[np.bool_],
    said: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
) -> tuple[float, float]:
    expected = (np.exp(said) * said).sum(axis=1)
    return float(weight @ (expected - log_probability)), float(weight @ (is_unknown - np.exp(said[:, -1])))


def _mahalanobis(values: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    distance: npt.NDArray[np.float64] = np.einsum("ni,ij,nj->n", values, np.linalg.inv(spread), values)
    return distance


def _expected_calibration_error(
    said: npt.NDArray[np.float64], truth: npt.NDArray[np.intp], weight: npt.NDArray[np.float64]
) -> float:
    """Mean distance of confidence and hit rate over bins of equal width (Naeini et al. 2015)."""
    confidence, hit = np.exp(said.max(axis=1)), said.argmax(axis=1) == truth
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [abs(float(weight[bins == b] @ (hit[bins == b] - confidence[bins == b]))) for b in range(_BINS)]
    return float(sum(gaps))
