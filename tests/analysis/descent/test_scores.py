"""Scores of shared weights: spaces of logits, residuals of the likeliest tokens, and what rivals say."""

import numpy as np
import pytest

from analysis.descent.residuals import Likeliest, ResidualScores
from analysis.descent.rivals import Models, rivals_mean
from analysis.descent.scores import SpaceScores
from analysis.descent.spaces import by_chance, explained, space_of
from tests.output_spaces import SIZE, descendant, stranger


def output(seed: int, rows: int = 100, tokens: int = 300) -> np.ndarray:
    """Logits of a model of `SIZE` whose directions are all alike."""
    source = np.random.default_rng(seed)
    return source.normal(size=(rows, SIZE)) @ source.normal(size=(SIZE, tokens))


def test_the_space_has_the_hidden_size_and_chance_is_what_strangers_reach() -> None:
    own, other = output(2), output(3)
    space = space_of(own)
    assert len(space) == SIZE
    assert len(space_of(own[:20])) == 20
    np.testing.assert_allclose(space @ space.T, np.eye(SIZE), atol=1e-8)
    strangers = [explained(space_of(output(seed)[:20]) @ space.T) for seed in range(3, 9)]
    assert np.mean(strangers) == pytest.approx(by_chance(SIZE, 300), abs=0.02)
    assert explained(space_of(own[:20]) @ space.T) == 1
    assert explained(space_of(other[:20]) @ space.T) < 0 < explained(space_of(own + 0.3 * other) @ space.T)


def test_the_strongest_directions_say_nothing() -> None:
    """Two models that share those alone are strangers; two that share all others are not."""
    cosines = np.zeros((8, 30))
    cosines[:8, :8] = np.eye(8)
    assert explained(cosines) == -1
    assert explained(cosines[:, ::-1]) == 1
    half = np.zeros((1, 30))
    half[0, 0], half[0, 20] = np.sqrt(0.9), np.sqrt(0.05)
    assert explained(half) == pytest.approx(0, abs=1e-3)  # half of what is left beside the strongest


def test_a_row_that_is_nothing_but_the_strongest_directions_is_no_copy() -> None:
    row = np.zeros((2, 30))
    row[0, 0], row[1, 20] = 1, 0.6
    assert explained(row) == pytest.approx(explained(row[1:]), abs=1e-3)


def test_many_spaces_are_told_as_one_after_the_other() -> None:
    cosines = np.random.default_rng(0).normal(size=(3, 5, 30)) / 10
    np.testing.assert_allclose(explained(cosines), [explained(one) for one in cosines])


def test_rows_in_which_all_logits_are_the_same_have_no_space() -> None:
    assert space_of(np.full((3, 300), 2.5)).shape == (0, 300)


def test_rivals_are_neither_of_the_references_lineage_nor_the_candidates() -> None:
    models = Models(np.array(["a", "b", "c", "d", "a"]), [None] * 5, np.arange(4))
    scores = np.arange(20.0).reshape(5, 4)
    np.testing.assert_array_equal(rivals_mean(models, scores)[4], [18, 18.5, 18, 17.5])


def test_likeliest_tokens_follow_the_parent_more_than_strangers() -> None:
    source = np.random.default_rng(0)
    shared, vocabulary, n = source.normal(size=(64, 400)) * 2, 400, 64
    parents = [shared + source.normal(size=(n, vocabulary)) for _ in range(5)]
    child = parents[0] + 0.7 * source.normal(size=(n, vocabulary))
    models = Models(np.array(["0", "1", "2", "3", "4", "0"]), ["one"] * 6, np.arange(5))
    known = []
    for logits in (*parents, child):
        ids = np.argsort(-logits, axis=1)[:, :100]
        known.append(Likeliest(ids.astype(np.uint64) + 1, np.take_along_axis(logits, ids, axis=1)))
    same = np.arange(6)[:, None] != np.arange(5)
    scored = ResidualScores(models, known, same)
    scores = scored(np.arange(n))
    assert scores[5].argmax() == 0
    assert scores[5, 0] > 0.2 + np.nanmax(scores[:5])


def test_who_is_absent_is_set_beside_nobody() -> None:
    """As if the absent lineage had no reference in the library."""
    made = [stranger(seed) for seed in range(5)]
    logits = [one.logits[:, :256].astype(np.float32) for one in (*made, descendant(made[0], seed=7))]
    lineages = np.array(["0", "1", "2", "3", "4", "0"])
    whole, less = (
        SpaceScores(Models(lineages, ["one"] * 6, np.arange(size)), logits).explained(np.arange(24)) for size in (5, 4)
    )
    np.testing.assert_allclose(whole.beyond_rivals({"4"})[:, :4], less.beyond_rivals())
    assert not np.allclose(whole.beyond_rivals()[:, :4], less.beyond_rivals(), equal_nan=True)
