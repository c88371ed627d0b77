"""Scores: textbook values, and p-values that are uniform when the posteriors are the truth."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import kstest

from analysis.evaluation.scoring import Predictions, accepted_at_90, auroc, calibration, calibration_p_value, wilson


def predictions(said: npt.NDArray[np.float64], truth: npt.NDArray[np.intp], a_lineage: int = 1) -> Predictions:
    n = len(said)
    lineage = np.arange(n) // a_lineage
    prior = np.full(n, -np.log(said.shape[1]))
    return Predictions(np.log(said), truth, lineage, np.full(n, 1 / n), prior)


def simulated(seed: int, n: int = 60, classes: int = 5, sharper: float = 1.0, a_lineage: int = 1) -> Predictions:
    """Truths drawn from posteriors, one draw a lineage, and the posteriors that are claimed (raised to a power)."""
    source = np.random.default_rng(seed)
    said = source.dirichlet(np.full(classes, 0.5), n // a_lineage)
    truth = np.array([source.choice(classes, p=row) for row in said])
    said = np.maximum(said, 1e-12) ** sharper
    said /= said.sum(axis=1, keepdims=True)
    return predictions(np.repeat(said, a_lineage, axis=0), np.repeat(truth, a_lineage), a_lineage)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),  # by R's prop.test(correct = FALSE)
    [(8, 10, 0.4901625, 0.9433178), (0, 10, 0.0, 0.2775328), (37, 40, 0.8013631, 0.9741601), (0, 0, 0.0, 1.0)],
)
def test_wilson(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits / max(n, 1), n) == pytest.approx((low, high), abs=1e-4)


def test_auroc_counts_ties_half() -> None:
    assert auroc(np.array([0.1, 0.2]), np.array([0.2, 0.3])) == 0.875
    assert auroc(np.array([0.5]), np.array([0.5])) == 0.5


def test_the_threshold_of_a_known_comes_from_other_families_unknowns() -> None:
    unknown, family = np.array([0.0] * 5 + [0.9] * 5), np.repeat([0, 1], 5)
    assert accepted_at_90(np.array([0.5]), np.array([0]), unknown, family) == 1
    assert accepted_at_90(np.array([0.5]), np.array([1]), unknown, family) == 0


@pytest.mark.parametrize("a_lineage", [1, 3])
def test_calibrated_posteriors_give_uniform_p_values(a_lineage: int) -> None:
    values = [calibration_p_value(simulated(seed, a_lineage=a_lineage), seed) for seed in range(150)]
    assert kstest(values, "uniform").pvalue > 0.01


@pytest.mark.parametrize("sharper", [0.3, 3.0], ids=["under-confident", "over-confident"])
def test_posteriors_that_are_not_calibrated_are_found_out(sharper: float) -> None:
    values = [calibration_p_value(simulated(seed, sharper=sharper), seed) for seed in range(10)]
    assert np.median(values) < 0.01


def test_many_answers_of_one_lineage_are_no_more_evidence_than_one() -> None:
    said = np.array([[0.9, 0.1]] * 50)
    wrong = predictions(said, np.ones(50, np.intp), a_lineage=50)
    assert 0.05 < calibration_p_value(wrong) < 0.2
    assert calibration_p_value(predictions(said, np.ones(50, np.intp))) < 0.01


def test_figures_of_a_case_worked_by_hand() -> None:
    said = np.array([[0.8, 0.2], [0.8, 0.2], [0.4, 0.6], [0.4, 0.6]])
    found = calibration(predictions(said, np.array([0, 1, 1, 1])))
    assert found["ece"] == pytest.approx(0.5 * 0.3 + 0.5 * 0.4)
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.8, 0.2, 0.6, 0.6])))
    assert found["log_loss_prior"] == pytest.approx(np.log(2))


def test_certainty_that_is_right_is_calibrated_and_certainty_that_is_wrong_is_not() -> None:
    said = np.array([[1 - 1e-12, 1e-12]] * 20)
    assert calibration_p_value(predictions(said, np.zeros(20, np.intp))) == 1
    assert calibration_p_value(predictions(said, np.arange(20) % 2)) < 0.001
