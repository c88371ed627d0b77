"""A suspect is judged by what never saw its lineage: recorded material of the zoo, no engine."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.attribution.attribute import attribute
from analysis.attribution.rules import Rules
from analysis.descent.ancestry import descent
from analysis.kinship.fitted import FittedKinship
from analysis.libraries.library import ZOO, Library, Member
from analysis.signatures.signature import signature
from runners.cases.accusations import findings
from runners.cases.held_out import HeldOut, lineage_of_model


@pytest.fixture(scope="module")
def zoo() -> Library:
    """The seeds of two plans, with a descendant each."""
    wanted = {f"{plan}-{seed}" for plan in ("manuals", "romance") for seed in range(4)}
    wanted |= {"romance-0-light", "manuals-0-light"}
    whole = Library.load(ZOO)
    return replace(whole, members=tuple(one for one in whole.members if one.name in wanted))


def names(library: Library) -> set[str]:
    return {one.name for one in library.members}


def member(library: Library, name: str) -> Member:
    return next(one for one in library.members if one.name == name)


def test_the_lineage_is_what_the_zoo_says_it_is() -> None:
    assert lineage_of_model("zoo:smollm2-moe") == "smollm2"
    assert lineage_of_model("zoo:borrowed-3") == "borrowed-3"
    assert lineage_of_model("moonshotai/Kimi-Dev-72B") == "moonshotai/Kimi-Dev-72B"


def test_of_a_descendants_lineage_the_parent_alone_stays_and_of_an_innocents_nothing(zoo: Library) -> None:
    guilty = HeldOut.of(zoo, "zoo:romance-0-heavy", "romance-0")
    assert names(zoo) - names(guilty.kept) == {"romance-0-light"}
    assert names(guilty.kept) - names(guilty.others) == {"romance-0"}
    assert "manuals-0-light" in names(guilty.kept) - names(guilty.references)
    innocent = HeldOut.of(zoo, "zoo:romance-0", "romance-1")
    assert names(zoo) - names(innocent.kept) == {"romance-0", "romance-0-light"}


def test_a_recorded_descendant_is_found_by_what_never_saw_its_lineage(zoo: Library, tmp_path: Path) -> None:
    recording = zoo.recording(member(zoo, "romance-0-light"))
    held_out = HeldOut.of(zoo, "zoo:romance-0-light", "romance-0")
    rules = held_out.rules(recording, Rules(), tmp_path / "kinship.json")
    assert "romance-0" not in FittedKinship.load(str(rules.kinship)).lineages
    verdict = attribute(signature(recording), held_out.references, rules)
    tested = descent(recording, held_out.kept, ["romance-0", "romance-1"])
    effects = [one.effect or 0.0 for one in tested]
    assert effects[0] > 4 * effects[1]
    found = findings(replace(verdict, descent=tested[:1]), None, 0.4)
    assert found.family == "romance"
    assert (found.conclusion == "descends") == (found.descent == "shared_ancestry")
