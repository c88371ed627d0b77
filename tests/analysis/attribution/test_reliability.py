"""On what a verdict rests, in its own words."""

from dataclasses import replace

from analysis.attribution.reliability import more_than_measured
from analysis.kinship.fitted import FittedKinship
from analysis.libraries.library import Library


def test_more_families_than_strangers_were_measured_with_are_warned_of(made_up_library: Library) -> None:
    fitted = FittedKinship.load()
    assert more_than_measured(made_up_library, fitted) == []
    assert more_than_measured(made_up_library, None) == []
    [said] = more_than_measured(made_up_library, replace(fitted, families=("ash", "birch")))
    assert said.startswith("the library has 3 families")
    assert "with 2 only" in said
