"""Calibration in the benchmark: posteriors that are what they say pass, boasts don't; sets hold the truth."""

import numpy as np
import pytest

from analysis.benchmark.calibration import calibration_measures
from analysis.benchmark.family import Trials
from analysis.benchmark.intervals import Figure
from analysis.benchmark.specimens import Specimen
from analysis.libraries.library import SHIPPED, Library, Member

FAMILIES = ["a", "b", "c"]


def measured(boast: float, lineages: int = 80) -> dict[str, Figure | None]:
    """Posteriors of which the truth is drawn, raised to a power: 1 says what is so, above 1 boasts."""
    source, trials, models = np.random.default_rng(0), Trials(), []
    posteriors: dict[int, np.ndarray] = {}
    left_out: dict[int, np.ndarray] = {}
    for place in range(lineages):
        said = source.dirichlet([0.2, 0.2, 0.2, 0.6])
        drawn = source.choice(4, p=said)
        member = Member(f"m{place}", FAMILIES[drawn % 3], lineage=f"l{place}")
        models.append(Specimen(member, Library.load(SHIPPED), "descendant", f"l{place}", frozenset({f"l{place}"})))
        (left_out if drawn == 3 else posteriors)[place] = said**boast / (said**boast).sum()
    trials.keep("posterior", (8, 0), posteriors)
    trials.keep("posterior_left_out", (8, 0), left_out)
    found = calibration_measures(trials, models, FAMILIES, "logits", [8], 0.5)
    return {one.name: one.figure for one in found}


def test_boasting_posteriors_are_found_out() -> None:
    honest, boasting = measured(1), measured(4)
    for name, sign in (("calibration_p_value", 1), ("log_loss_with_unknown", -1)):
        one, other = honest[name], boasting[name]
        assert one is not None
        assert other is not None
        assert sign * one.value > sign * other.value
    assert honest["calibration_p_value"].value > 0.02  # type: ignore[union-attr]
    assert boasting["calibration_p_value"].value < 0.02  # type: ignore[union-attr]


def test_sets_hold_the_truth_whatever_the_posterior_boasts() -> None:
    for boast in (1, 4):
        coverage = measured(boast)["set_coverage"]
        assert coverage is not None
        assert coverage.high >= 0.9
        assert coverage.value == pytest.approx(0.9, abs=0.1)


def test_below_nine_lineages_there_are_no_sets() -> None:
    assert "set_coverage" not in measured(1, lineages=9)
    assert "set_coverage" in measured(1, lineages=10)
