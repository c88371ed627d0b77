"""The loss that recalibration is fitted by is what `Recalibration` says, and its slopes are its slopes."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from analysis.kinship.recalibration import Recalibration, Trials, _Loss, fit_recalibration


@pytest.fixture
def trials() -> Trials:
    """Of models of six families, some of which are not there for some models."""
    source = np.random.default_rng(0)
    family = source.permutation(np.repeat(np.arange(6), [3, 4, 2, 5, 1, 3]))
    truth, there = source.integers(0, 7, 40), np.ones((40, 18), dtype=bool)
    for row in range(0, 40, 2):
        there[row, family == (truth[row] + 1) % 6] = False
    kin = family == truth[:, None]
    return Trials(source.normal(4 * kin - 2, 2), there, family, truth)


@pytest.mark.parametrize("values", [(0, 0, 0), (0.3, -1, 0.4), (-1, 2, -2)])
@pytest.mark.parametrize("unknown_prior", [None, 0.3])
def test_loss_and_slopes(trials: Trials, values: tuple[float, ...], unknown_prior: float | None) -> None:
    weight = np.random.default_rng(1).random(40)
    loss, at = _Loss(trials, weight, unknown_prior), np.array(values, dtype=float)
    said = Recalibration(np.exp(at[0]), at[1], np.exp(at[2]), unknown_prior)(trials)[np.arange(40), trials.truth]
    assert loss(at)[0] == pytest.approx(-weight @ said)
    np.testing.assert_allclose(loss(at)[1], approx_fprime(at, lambda x: loss(x)[0], 1e-7), atol=1e-4)


def test_what_is_fitted_is_better_than_nothing_and_than_what_lies_beside_it(trials: Trials) -> None:
    fitted = fit_recalibration(trials, 0.3)
    rows = np.arange(40)
    weight = np.where(trials.truth == 6, 0.3 / (trials.truth == 6).sum(), 0.7 / (trials.truth < 6).sum())

    def loss(one: Recalibration) -> float:
        penalty = np.log(one.scale) ** 2 + 0.3 * one.offset**2 + np.log(one.focus) ** 2
        return float(-(weight @ one(trials)[rows, trials.truth]) + 0.05 / 6 * penalty)

    for factor, shift in ((1.1, 0.0), (0.9, 0.0), (1.0, 0.1), (1.0, -0.1)):
        other = Recalibration(fitted.scale * factor, fitted.offset + shift, fitted.focus, 0.3)
        assert loss(fitted) < loss(other)
    assert loss(fitted) < loss(Recalibration(unknown_prior=0.3))
