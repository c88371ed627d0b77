"""Bets against a mean: fair under the hypothesis whenever one stops, and soon won if it is false."""

import numpy as np
import pytest

from analysis.equality.betting import SHARES, EProcess, p_at_least, p_at_most, payoffs


@pytest.mark.parametrize("mean", [0.02, 0.2, 0.5])
def test_a_true_mean_is_rejected_no_more_often_than_alpha(mean: float) -> None:
    """Of numbers as uneven as can be, 0 or 1, whose mean is the one that is tested."""
    drawn = np.random.default_rng(0).random((800, 60)) < mean
    rejected = [[test(row.astype(float), mean) <= 0.05 for test in (p_at_most, p_at_least)] for row in drawn]
    assert np.mean(rejected, axis=0).max() <= 0.05 + 0.02


def test_a_false_mean_is_rejected() -> None:
    assert p_at_most(np.full(30, 0.5), 0.2) < 1e-3
    assert p_at_least(np.zeros(48), 0.2) < 0.01  # as many canaries as the suite quick has


@pytest.mark.parametrize("rounds", [40, 120])
def test_stopping_at_the_best_moment_gains_nothing(rounds: int) -> None:
    """The highest e-value of a quiet run, however long it is, passes 1 / alpha no more often than alpha."""
    generator, alarms, runs = np.random.default_rng(1), 0, 400
    for _ in range(runs):
        process = EProcess.of(len(SHARES))
        for value in (generator.random(rounds) < 0.2).astype(float).tolist():
            process.begin_round()
            process.update(payoffs(value, 0.2))
            if process.value >= 20:
                alarms += 1
                break
    assert alarms / runs <= 0.05 + 0.02


def test_money_is_1_at_first_and_a_change_after_a_long_quiet_time_is_still_noticed_soon() -> None:
    process = EProcess.of(len(SHARES))
    assert process.value == 1
    process.begin_round()
    assert process.value == 1
    for _ in range(500):
        process.begin_round()
        process.update(payoffs(0.0, 0.2))
    late = 0
    while process.value < 100:
        late += 1
        process.begin_round()
        process.update(payoffs(1.0, 0.2))
    assert late <= 15
    again = EProcess.of_state(process.state())
    assert again.value == process.value
