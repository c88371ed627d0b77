"""Descent from pictures alone, on real recordings of tiny models that see (`kinprint zoo derive zoo=images`)."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.descent.ancestry import descent
from analysis.libraries.library import Library
from probes.suite import load_suite

DRAWN = Library.load(Path(__file__).parents[2] / "data" / "drawn")
SEEDS = [f"drawn-{seed}" for seed in range(6)]


def without(*names: str) -> Library:
    return replace(DRAWN, members=tuple(one for one in DRAWN.members if one.name not in names))


def test_they_were_shown_the_suite_that_ships() -> None:
    for member in DRAWN.members:
        recording = DRAWN.recording(member)
        assert recording.suite.sha256 == load_suite("image").sha256
        assert recording.manifest.access["takes_images"] is True


def test_a_noisy_renamed_copy_is_found_and_no_other_seed_named_for_it() -> None:
    copy = DRAWN.recording(next(one for one in DRAWN.members if one.name == "drawn-0-noise"))
    found = {one.parent: one for one in descent(copy, without("drawn-0-noise"), ["drawn-0", "drawn-1"])}
    assert {name for name, one in found.items() if one.decision == "shared_ancestry"} == {"drawn-0"}
    assert found["drawn-0"].effect is not None
    assert found["drawn-0"].effect > 0.1
    assert {one.decision for one in found.values()} == {"shared_ancestry", "independent_not_rejected"}


@pytest.mark.parametrize("seed", SEEDS)
def test_another_seed_of_the_recipe_is_accused_of_nothing(seed: str) -> None:
    stranger = DRAWN.recording(next(one for one in DRAWN.members if one.name == seed))
    relatives = (seed, "drawn-0-noise")
    found = descent(stranger, without(*relatives), [one for one in SEEDS if one != seed], alpha=0.05)
    assert {one.decision for one in found} == {"independent_not_rejected"}


def test_too_few_that_see_are_no_null() -> None:
    copy = DRAWN.recording(next(one for one in DRAWN.members if one.name == "drawn-0-noise"))
    (found,) = descent(copy, without("drawn-0-noise", "drawn-4", "drawn-5"), ["drawn-0"])
    assert found.decision == "undecidable"
    assert "fewer than 5 independent trainings" in found.reason
