"""Conformal sets hold the truth as often as they say, lineage by lineage."""

import numpy as np
import pytest
from scipy import stats

from analysis.attribution.conformal import ConformalSets, fewest_lineages, mass_down_to
from probes.errors import LibraryError


def posteriors(lineages: int, seed: int) -> dict[str, list[np.ndarray]]:
    """Over three labels, the truth first: lineages differ in how easy they are, and have one to five models each."""
    source = np.random.default_rng(seed)
    ease = source.normal(1, 2, lineages)
    found = {}
    for place, one in enumerate(ease):
        size = source.integers(1, 6)
        odds = np.exp(np.stack([one + source.normal(size=size), *source.normal(size=(2, size))], axis=1))
        found[str(place)] = list(odds / odds.sum(axis=1, keepdims=True))
    return found


@pytest.mark.parametrize("lineages", [9, 40])
def test_the_truth_of_a_new_lineage_is_in_the_set_as_often_as_said(lineages: int) -> None:
    """One model of one new lineage in each of 2,000 worlds."""
    held = 0
    for seed in range(2000):
        known = posteriors(lineages + 1, seed)
        candidate = known.pop("0")[0]
        scores = {name: [mass_down_to(one, 0) for one in values] for name, values in known.items()}
        sets = ConformalSets.calibrated(scores, 0.9)
        held += "0" in sets({str(label): p for label, p in enumerate(candidate.tolist())})
    assert stats.binomtest(held, 2000, 0.9, alternative="less").pvalue > 0.01


def test_models_of_one_lineage_count_as_one() -> None:
    few = {str(place): [0.5 + place / 40] for place in range(12)}
    many = {name: values * 30 for name, values in few.items()}
    assert ConformalSets.calibrated(few).most == pytest.approx(ConformalSets.calibrated(many).most)


def test_too_few_lineages_are_refused() -> None:
    assert (fewest_lineages(0.9), fewest_lineages(0.95), fewest_lineages(0.8)) == (9, 19, 4)
    with pytest.raises(LibraryError, match="needs 9 calibration lineages; there are 8"):
        ConformalSets.calibrated({str(place): [0.9] for place in range(8)}, 0.9)


def test_sets_are_said_in_words() -> None:
    sets = ConformalSets.calibrated({str(place): [0.95] for place in range(9)}, 0.9)
    assert sets({"a": 0.98, "b": 0.01, "unknown": 0.01}) == ("a",)
    assert sets({"a": 0.48, "b": 0.46, "unknown": 0.06}) == ("a", "b")
    assert sets({"a": 0.4, "b": 0.3, "c": 0.3}) == ("a",)
    assert sets.in_words(("a", "unknown"), 3) == "a or unknown (at 90%, calibrated on 9 lineages)"
    assert "too little" in sets.in_words(("a", "b", "c"), 3)
