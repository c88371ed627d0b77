"""The null of the descent test: lineages count, not models; its errors are what it says."""

from dataclasses import asdict

import numpy as np
import pytest
from scipy import stats

from analysis.descent.null import Spread, accused_at_most, e_value, holm, rank_p_value


def innocents(lineages: int, each: int, between: float, within: float, seed: int) -> dict[str, list[float]]:
    source = np.random.default_rng(seed)
    centres = source.normal(0, between, lineages)
    return {str(place): list(centre + source.normal(0, within, each)) for place, centre in enumerate(centres)}


def test_more_models_of_a_lineage_do_not_make_the_null_surer() -> None:
    few, many = innocents(8, 1, 1, 0, 0), {name: values * 50 for name, values in innocents(8, 1, 1, 0, 0).items()}
    assert asdict(Spread.of(few)) == pytest.approx(asdict(Spread.of(many)))
    assert Spread.of(few).lineages == 8


@pytest.mark.parametrize("lineages", [6, 20])
@pytest.mark.parametrize("each", [1, 10])
def test_an_innocent_is_accused_no_more_often_than_alpha_says(lineages: int, each: int) -> None:
    """Training lineages and the innocent drawn anew in each of 2,000 worlds."""
    alpha, accused = 0.05, 0
    for seed in range(2000):
        known = Spread.of(innocents(lineages, each, 1, 0.3, seed))
        innocent = np.random.default_rng((1, seed)).normal(0, np.hypot(1, 0.3))
        accused += known.p_value(float(innocent)) <= alpha
    assert stats.binomtest(accused, 2000, alpha, alternative="greater").pvalue > 0.01


def test_a_score_far_beyond_is_improbable_and_one_among_them_is_not() -> None:
    known = Spread.of(innocents(20, 3, 0.02, 0.01, 0))
    assert known.p_value(0.6) < 1e-6
    assert known.p_value(known.mean) == pytest.approx(0.5)


def test_one_lineage_proves_nothing() -> None:
    assert Spread.of({"one": [0.1, 0.11, 0.09]}).p_value(0.99) == 1
    assert Spread.of({}).p_value(0.99) == 1


def test_a_rank_is_bounded_by_the_number_of_controls() -> None:
    assert rank_p_value(9.0, [1.0, 2.0, 3.0]) == 0.25
    assert rank_p_value(2.0, [1.0, 2.0, 3.0]) == 0.75
    assert rank_p_value(1.0, []) == 1


def test_e_values_average_at_most_one_under_the_null() -> None:
    p = (np.arange(200_000) + 0.5) / 200_000
    assert np.mean([e_value(one) for one in p]) <= 1.001
    assert e_value(1e-6) > 1000
    assert e_value(1.0) == pytest.approx(e_value(1 - 1e-7), abs=1e-3)


def test_holm_adjusts_in_order() -> None:
    """The example of three p-values: the smallest is tripled, the next doubled, and none falls below one before it."""
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])


def test_the_bound_is_about_three_over_n() -> None:
    assert accused_at_most(30) == pytest.approx(3 / 30, rel=0.06)
    assert accused_at_most(0) == 1
