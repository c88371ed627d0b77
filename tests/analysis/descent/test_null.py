"""The null of the descent test: lineages count, not models; its errors are what it says."""

import numpy as np
import pytest
from scipy import stats

from analysis.descent.null import Spread, e_value, holm, null_of, p_value, rank_p_value


def innocents(lineages: int, each: int, between: float, within: float, seed: int) -> dict[str, list[float]]:
    source = np.random.default_rng(seed)
    centres = source.normal(0, between, lineages)
    return {str(place): list(centre + source.normal(0, within, each)) for place, centre in enumerate(centres)}


def test_more_models_of_a_lineage_do_not_make_the_null_surer() -> None:
    few, many = innocents(8, 1, 1, 0, 0), {name: values * 50 for name, values in innocents(8, 1, 1, 0, 0).items()}
    assert Spread.of(few) == Spread.of(many)
    assert Spread.of(few).lineages == 8


@pytest.mark.parametrize("lineages", [6, 20])
@pytest.mark.parametrize("each", [1, 10])
def test_an_innocent_is_accused_no_more_often_than_alpha_says(lineages: int, each: int) -> None:
    """Training lineages, and an innocent whose highest score counts as theirs do, anew in each of 2,000 worlds."""
    alpha, accused = 0.05, 0
    for seed in range(2000):
        known = Spread.of(innocents(lineages, each, 1, 0.3, seed))
        [innocent] = innocents(1, each, 1, 0.3, seed + 10_000).values()
        accused += known.p_value(max(innocent)) <= alpha
    assert stats.binomtest(accused, 2000, alpha, alternative="greater").pvalue > 0.01


def test_a_score_far_beyond_is_improbable_and_one_among_them_is_not() -> None:
    known = Spread.of(innocents(20, 3, 0.02, 0.01, 0))
    assert known.p_value(0.6) < 1e-6
    assert known.p_value(float(np.mean(known.highest))) > 0.4


def test_an_innocent_that_reached_as_much_with_anybody_forbids_small_p_values() -> None:
    scores = {**innocents(39, 3, 0.02, 0.01, 0), "odd": [0.0, 0.6]}
    known = Spread.of(scores)
    assert p_value(0.5, {"strangers": known}) == (2 / 41, "rank")
    assert known.bound(0.5) == pytest.approx(0.1134, abs=1e-3)  # Clopper and Pearson, 1 of 40
    assert p_value(0.9, {"strangers": known})[1] == "model"


def test_students_are_innocents_of_their_own_kind() -> None:
    """Three students that score high with their teachers widen what an innocent may score."""
    lineages = np.array([f"s{n}" for n in range(6)] + ["t0", "t1", "t2"])
    scores = np.random.default_rng(0).normal(0, 0.02, (9, 6))
    scores[[6, 7, 8], [0, 1, 2]] = 0.3, 0.35, 0.4
    null = null_of(scores, lineages, lineages[:6], [None] * 6 + ["s0", "s1", "s2"])
    assert {kind: spread.lineages for kind, spread in null.items()} == {"strangers": 9, "taught": 3}
    assert null["strangers"].most < 0.1
    assert p_value(0.35, null)[0] > 0.3
    assert p_value(0.35, {"strangers": null["strangers"]})[0] < 1e-4


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
    known = Spread.of(innocents(30, 1, 0.02, 0, 0))
    assert known.bound(0.9) == pytest.approx(3 / 30, rel=0.06)
    assert Spread.of({}).bound(0.9) == 1
    assert known.bound(-9.0) == 1


def test_a_kind_of_few_recipes_is_taken_to_spread_as_strangers_do() -> None:
    strangers = Spread((0.1, 0.2, 0.3, 0.2, 0.25, 0.15))
    alike = (0.50, 0.51, 0.50, 0.51, 0.50, 0.51)
    assert Spread(alike).p_value(0.6) < 0.001
    assert Spread(alike, strangers).p_value(0.6) > 0.05
    assert Spread(strangers.highest, Spread(alike)).p_value(0.6) == strangers.p_value(0.6)


def test_lineages_that_all_stay_at_a_bound_are_taken_to_vary_by_the_least_that_is_assumed() -> None:
    at_a_bound = (0.0,) * 20
    assert Spread(at_a_bound).p_value(5) == 1
    assert 1e-5 < Spread(at_a_bound, least=1.0).p_value(5) < 0.01
    assert Spread(at_a_bound, least=1.0).p_value(1) > 0.1
    wide = tuple(float(one) for one in range(-10, 10))
    assert Spread(wide, least=1.0).p_value(12) == Spread(wide).p_value(12)
