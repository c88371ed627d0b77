"""Descent: descendants are told from strangers and students of one recipe; thresholds see training lineages only."""

import numpy as np
import pytest

from analysis.benchmark.accusations import accusations, with_margin
from analysis.benchmark.descent import DescentScores, rivals_mean, rows_for
from analysis.benchmark.residuals import Likeliest, residual_correlations, residual_scores
from analysis.benchmark.spaces import by_chance, reference_space, rows_space, weakest_third
from analysis.benchmark.specimens import Specimen
from analysis.library import SHIPPED, Library, Member
from tests.output_spaces import SIZE, Model, descendant, stranger


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


def scorer(world: tuple[list[Specimen], list[Model]]) -> DescentScores:
    models, made = world
    references = np.array([place for place, one in enumerate(models) if one.kind == "lookalike"])
    return DescentScores(models, references, [one.logits[:, :256].astype(np.float32) for one in made])


@pytest.mark.parametrize("rows", [16, 64])
def test_descendants_are_named_and_strangers_are_not(world: tuple[list[Specimen], list[Model]], rows: int) -> None:
    scores = scorer(world)
    found = accusations(world[0], scores.references, scores(np.arange(rows)))
    children = [place for place, one in enumerate(world[0]) if one.kind == "descendant"]
    assert sorted(found.recalled) == children
    assert np.mean([found.recalled[place] for place in children]) == 1
    assert set(found.accused) == set(range(len(world[0])))
    assert sum(found.accused.values()) == 0


def test_named_tokens_cost_queries(world: tuple[list[Specimen], list[Model]]) -> None:
    """Of 256 tokens, 128 a query: two queries a prompt; of two prompts nothing is said."""
    scores, order = scorer(world), np.arange(160)
    np.testing.assert_array_equal(scores(order[:32], named=128), scores(order[:16]))
    assert np.isnan(scores(order[:4], named=128)).all()
    assert len(rows_for(order[:64], 512, 128)) == 16


def test_another_vocabulary_is_not_compared_and_not_recalled(world: tuple[list[Specimen], list[Model]]) -> None:
    models = [specimen(one.name, one.lineage, one.kind, origin="other" * (one.name == "s0-1")) for one in world[0]]
    scores = scorer((models, world[1]))
    values = scores(np.arange(32))
    assert np.isnan(values[2]).all()
    assert accusations(models, scores.references, values).recalled[2] == 0


def test_the_space_has_the_hidden_size_and_chance_is_what_strangers_reach() -> None:
    one, other = (np.random.default_rng(seed).normal(size=(100, SIZE)) for seed in (0, 1))
    spaces = [side @ np.random.default_rng(seed).normal(size=(SIZE, 300)) for seed, side in enumerate((one, other), 2)]
    assert len(reference_space(spaces[0])) == SIZE
    rows = rows_space(spaces[1][:20], SIZE)
    np.testing.assert_allclose(rows @ rows.T, np.eye(19), atol=1e-8)
    assert weakest_third(rows, reference_space(spaces[0])) == pytest.approx(by_chance(19, SIZE, 300), abs=0.03)
    assert weakest_third(rows, reference_space(spaces[1])) > 0.999


def test_rivals_are_neither_of_the_references_lineage_nor_the_candidates() -> None:
    models = [specimen(name, name[0], "lookalike") for name in ("a", "b", "c", "d")]
    models.append(specimen("a-child", "a", "descendant"))
    scores = np.arange(20.0).reshape(5, 4)
    np.testing.assert_array_equal(rivals_mean(models, np.arange(4), scores)[4], [18, 18.5, 18, 17.5])


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
    found = accusations(world[0], scores.references, values)
    assert found.accused[place] == 1
    assert np.mean(list(found.recalled.values())) <= 0.5  # who is held out with it keeps a clean threshold


def test_likeliest_tokens_follow_the_parent_more_than_strangers() -> None:
    source = np.random.default_rng(0)
    shared, vocabulary, n = source.normal(size=(64, 400)) * 2, 400, 64
    parents = [shared + source.normal(size=(n, vocabulary)) for _ in range(5)]
    child = parents[0] + 0.7 * source.normal(size=(n, vocabulary))
    models = [specimen(str(number), str(number), "lookalike") for number in range(5)]
    models.append(specimen("child", "0", "descendant"))
    known = []
    for logits in (*parents, child):
        ids = np.argsort(-logits, axis=1)[:, :100]
        known.append(Likeliest(ids.astype(np.uint64) + 1, np.take_along_axis(logits, ids, axis=1)))
    correlations = residual_correlations(models, np.arange(5), known, np.arange(6)[:, None] != np.arange(5))
    scores = residual_scores(models, np.arange(5), correlations, np.arange(n))
    assert scores[5].argmax() == 0
    assert scores[5, 0] > 0.2 + np.nanmax(scores[:5])
