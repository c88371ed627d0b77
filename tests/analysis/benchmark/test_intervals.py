"""Intervals hold the truth as often as they say, counting lineages and not models."""

import numpy as np

from analysis.benchmark.intervals import clustered, paired, significantly_behind


def test_intervals_cover_although_models_of_a_lineage_go_together() -> None:
    source, hits, widths = np.random.default_rng(0), 0, []
    lineages = [f"l{number // 8}" for number in range(240)]
    for _ in range(200):
        chance = source.beta(4, 2, 30)
        figure = clustered((source.random(240) < np.repeat(chance, 8)).astype(float), lineages)
        assert figure is not None
        assert figure.n == 30
        hits += figure.low <= 4 / 6 <= figure.high
        widths.append(figure.high - figure.low)
    assert hits >= 180
    assert np.mean(widths) > 1.2 * 2 * 1.96 * np.sqrt(4 / 6 * 2 / 6 / 240)  # wider than if all models were independent


def test_no_miss_in_three_lineages_is_no_certainty() -> None:
    figure = clustered([1.0] * 30, ["a"] * 10 + ["b"] * 10 + ["c"] * 10)
    assert figure is not None
    assert (figure.value, figure.high, figure.n) == (1, 1, 3)
    assert figure.low < 0.5


def test_what_is_not_known_does_not_count() -> None:
    assert clustered([np.nan], ["a"]) is None
    assert clustered([], []) is None
    figure = clustered([np.nan, 1.0, 0.0], ["a", "b", "c"])
    assert figure is not None
    assert (figure.value, figure.n) == (0.5, 2)


def test_behind_is_said_only_of_what_is_below_in_nearly_all_lineages() -> None:
    lineages = [f"l{number}" for number in range(20)]
    assert significantly_behind(paired([0.0] * 10 + [1.0] * 10, [1.0] * 20, lineages))
    assert not significantly_behind(paired([0.0] + [1.0] * 19, [1.0] * 20, lineages))
    assert not significantly_behind(paired([1.0] * 20, [1.0] * 20, lineages))
