"""Scores of shared weights: spaces of logits, residuals of the likeliest tokens, and what rivals say."""

import numpy as np
import pytest

from analysis.descent.residuals import Likeliest, ResidualScores
from analysis.descent.rivals import Models, rivals_mean
from analysis.descent.scores import SpaceScores
from analysis.descent.spaces import by_chance, explained, reference_space, rows_space, weakest
from tests.output_spaces import SIZE, descendant, stranger


def test_the_space_has_the_hidden_size_and_chance_is_what_strangers_reach() -> None:
    one, other = (np.random.default_rng(seed).normal(size=(100, SIZE)) for seed in (0, 1))
    spaces = [side @ np.random.default_rng(seed).normal(size=(SIZE, 300)) for seed, side in enumerate((one, other), 2)]
    assert len(reference_space(spaces[0])) == SIZE
    rows = rows_space(spaces[1][:20], SIZE)
    np.testing.assert_allclose(rows @ rows.T, np.eye(19), atol=1e-8)
    assert explained(rows, reference_space(spaces[0])) == pytest.approx(by_chance(19, SIZE, 300), abs=0.03)
    assert explained(rows, reference_space(spaces[1])) > 0.999


def test_a_direction_that_was_turned_away_weighs_less_than_a_little_everywhere() -> None:
    turned, blurred = np.ones(30), np.full(30, 0.9)
    turned[:3] = 0.2
    assert weakest(turned) == 1 > weakest(blurred) == pytest.approx(0.9)
    assert weakest(np.array([0.3])) == 0.3
    assert weakest(np.array([0.3, 0.5])) == 0.5


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
