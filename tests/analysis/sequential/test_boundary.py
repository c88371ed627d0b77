"""Boundaries hold at any stopping time, with the lineage as the unit of chance."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binom

from analysis.sequential.boundary import Boundary, Kinds, by_lineage, passed_at
from analysis.sequential.simulation import false_decisions
from probes.errors import LibraryError

LOOKS = 20


def paths_of(generator: np.random.Generator, lineages: int, models: int = 1) -> np.ndarray:
    """Each lineage has a level of its own, and each model of it noise that falls off from look to look."""
    level = np.repeat(generator.normal(size=lineages), models)[:, None]
    noise = generator.normal(size=(lineages * models, LOOKS)) / np.arange(1, LOOKS + 1)
    return np.asarray(level + noise)


@pytest.mark.parametrize("standardise", [False, True])
def test_innocents_pass_as_rarely_as_alpha_says_whenever_one_stops(standardise: bool) -> None:
    generator, alpha, runs = np.random.default_rng(0), 0.1, 100
    passed = 0
    for _ in range(runs):
        paths = paths_of(generator, 11)
        passed += passed_at(Boundary.of(paths[:-1], standardise), paths[-1], alpha) is not None
    assert passed <= binom.ppf(0.99, runs, alpha)


@pytest.mark.parametrize("standardise", [False, True])
def test_who_goes_beyond_passes_and_never_before_its_time(standardise: bool) -> None:
    paths = paths_of(np.random.default_rng(1), 12)
    boundary = Boundary.of(paths, standardise)
    rising = np.linspace(-5, 60, LOOKS)
    look = passed_at(boundary, rising, 0.01)
    assert look is not None
    assert boundary.p_value(rising[:look]) > 0.01 >= boundary.p_value(rising[: look + 1])
    assert passed_at(boundary, rising, 0.01, rising >= 100) is None
    assert boundary.p_value(rising[:0]) == 1


def test_p_values_never_rise_as_more_is_asked() -> None:
    boundary = Boundary.of(paths_of(np.random.default_rng(2), 8), standardise=True)
    path = np.random.default_rng(3).normal(size=LOOKS) * 3
    values = [boundary.p_value(path[:n]) for n in range(1, LOOKS + 1)]
    assert values == sorted(values, reverse=True)


def test_models_of_one_lineage_are_one_draw() -> None:
    paths = {0: np.array([1.0, 2.0]), 1: np.array([3.0, 1.0]), 3: np.array([5.0, 0.0])}
    found = by_lineage(paths, ["a", "a", "b", "c"])
    assert {name: path.tolist() for name, path in found.items()} == {"a": [3, 2], "c": [5, 0]}


def test_too_few_trainings_are_refused() -> None:
    with pytest.raises(LibraryError, match="4 independent trainings"):
        Boundary.of(np.zeros((4, 3)))


@pytest.mark.parametrize("standardise", [False, True])
def test_simulated_null_runs_are_rarely_wrong_and_never_judged_by_themselves(standardise: bool) -> None:
    paths = dict(enumerate(paths_of(np.random.default_rng(4), 30, models=2)))
    lineages = [f"l{place // 2}" for place in paths]

    def judge(drawn: Sequence[str]) -> Boundary:
        highest = by_lineage(paths, lineages)
        return Boundary.of(np.array([highest[name] for name in drawn]), standardise)

    wrong = false_decisions(paths, lineages, judge, 0.05, runs=400)
    assert wrong is not None
    assert wrong <= binom.ppf(0.99, 400, 0.05)
    paths[0] = paths[0] + 100  # a lineage that stands apart from all others is accused whenever it is drawn
    paths[1] = paths[1] + 100
    apart = false_decisions(paths, lineages, judge, 0.05, runs=310)
    assert 2 <= (apart or 0) <= 40
    assert false_decisions(dict(list(paths.items())[:10]), lineages, judge, 0.05) is None


def test_the_kind_of_innocent_that_gets_farthest_decides() -> None:
    near, far = (Boundary.of(np.random.default_rng(seed).normal(size=(12, 3)) + 8 * seed) for seed in (0, 1))
    kinds, path = Kinds((near, far)), np.array([6.0])
    assert kinds.lineages == 24
    assert kinds.p_value(path) == far.p_value(path) > near.p_value(path)
    assert kinds.bound(path) == 1
    assert kinds.bound(path + 99) == pytest.approx(far.null.bound(99.0))
