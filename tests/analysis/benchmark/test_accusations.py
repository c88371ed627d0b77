"""Accusations: descendants are told from strangers of one recipe; thresholds see training lineages only."""

import numpy as np
import pytest

from analysis.benchmark.accusations import accusations, with_margin
from analysis.benchmark.specimens import Specimen
from analysis.descent.aligned import rows_for
from analysis.descent.rivals import Models
from analysis.descent.scores import SpaceScores
from analysis.libraries.library import SHIPPED, Library, Member
from tests.output_spaces import Model, descendant, stranger


class Known(Specimen):
    """A specimen without a recording."""

    @property
    def vocabulary(self) -> str:
        return "other" if self.member.origin == "other" else "one"


def specimen(name: str, lineage: str, kind: str, teacher: str | None = None, origin: str | None = None) -> Specimen:
    touches = frozenset({lineage, *([teacher] if teacher else [])})
    return Known(Member(name, "world", origin=origin), Library.load(SHIPPED), kind, lineage, touches)


@pytest.fixture(scope="module")
def world() -> tuple[list[Specimen], list[Model]]:
    """Eight strangers of one recipe, two descendants each of six."""
    models, made = [], []
    for seed in range(8):
        models.append(specimen(f"s{seed}", f"s{seed}", "lookalike"))
        made.append(stranger(seed))
        for child in range(2 * (seed < 6)):
            models.append(specimen(f"s{seed}-{child}", f"s{seed}", "descendant"))
            made.append(descendant(made[-1 - child], seed=10 * seed + child))
    return models, made


def scorer(world: tuple[list[Specimen], list[Model]]) -> SpaceScores:
    models, made = world
    references = np.array([place for place, one in enumerate(models) if one.kind == "lookalike"])
    known = Models(np.array([one.lineage for one in models]), [one.vocabulary for one in models], references)
    return SpaceScores(known, [one.logits[:, :256].astype(np.float32) for one in made])


@pytest.mark.parametrize("rows", [16, 64])
def test_descendants_are_named_and_strangers_are_not(world: tuple[list[Specimen], list[Model]], rows: int) -> None:
    scores = scorer(world)
    found = accusations(world[0], scores.models.references, scores(np.arange(rows)))
    children = [place for place, one in enumerate(world[0]) if one.kind == "descendant"]
    assert sorted(found.recalled) == children
    assert np.mean([found.recalled[place] for place in children]) == 1
    assert set(found.accused) == set(range(len(world[0])))
    assert sum(found.accused.values()) == 0


def test_named_tokens_cost_queries(world: tuple[list[Specimen], list[Model]]) -> None:
    """Of 256 tokens, 128 a query: two queries a prompt; one query names no prompt's tokens."""
    scores, order = scorer(world), np.arange(160)
    np.testing.assert_array_equal(scores(order[:32], named=128), scores(order[:16]))
    assert np.isnan(scores(order[:1], named=128)).all()
    assert len(rows_for(order[:64], 512, 128)) == 16


def test_a_descendant_is_recalled_with_another_vocabulary_as_well(world: tuple[list[Specimen], list[Model]]) -> None:
    """As long as the same strings can be looked at; who holds none of them is not compared."""
    models = [specimen(one.name, one.lineage, one.kind, origin="other" * (one.name == "s0-1")) for one in world[0]]
    scores = scorer((models, world[1]))
    values = scores(np.arange(32))
    assert accusations(models, scores.models.references, values).recalled[2] == 1
    none = SpaceScores(scores.models, [None if place == 2 else one for place, one in enumerate(scores.logits)])
    values = none(np.arange(32))
    assert np.isnan(values[2]).all()
    assert accusations(models, scores.models.references, values).recalled[2] == 0


def test_the_margin_is_as_wide_as_lineages_differ() -> None:
    scores = np.array([[0.1], [0.2], [0.5], [0.9]])
    strangers = np.array([[True], [True], [True], [False]])
    assert with_margin(scores, strangers, ["a", "b", "c", "d"]) == pytest.approx(0.8)
    assert with_margin(scores, strangers, ["a", "a", "a", "a"]) == np.inf


def test_the_margin_goes_half_way_to_descendants_that_stand_apart() -> None:
    scores, strangers = np.array([[0.1], [0.1], [0.12], [0.92]]), np.array([[True], [True], [True], [False]])
    assert with_margin(scores, strangers, ["a", "b", "c", "d"], ~strangers) == pytest.approx(0.52)
    scores[3] = 0.05
    assert with_margin(scores, strangers, ["a", "b", "c", "d"], ~strangers) == pytest.approx(0.14)


def test_a_lineage_held_out_sets_no_threshold_for_itself(world: tuple[list[Specimen], list[Model]]) -> None:
    """The last stranger passes for a descendant: it is accused, and costs the others their recall."""
    scores = scorer(world)
    values, place = scores(np.arange(32)), len(world[0]) - 1
    values[place, 0] = 2.0
    found = accusations(world[0], scores.models.references, values)
    assert found.accused[place] == 1
    assert np.mean(list(found.recalled.values())) <= 0.5  # who is held out with it keeps a clean threshold


def test_only_students_are_measured_as_taught() -> None:
    student, framed = (specimen(kind, kind, kind, teacher="t") for kind in ("student", "framed"))
    assert "t" in student.touches & framed.touches
    assert student.taught_by == "t"
    assert framed.taught_by is None
