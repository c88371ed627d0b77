"""Scores of shared weights: spaces of logits, residuals of the likeliest tokens, and what rivals say."""

import numpy as np
import numpy.typing as npt
import pytest

from analysis.descent.likeliest import Likeliest
from analysis.descent.regression import Alike, standardised
from analysis.descent.residuals import ResidualScores, beyond_rivals
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
    sizes, anybody = np.ones(4, np.intp), np.ones((4, 4), dtype=bool)
    np.testing.assert_array_equal(rivals_mean(models, scores, sizes, anybody)[4], [18, 18.5, 18, 17.5])


def likeliest_of(logits: npt.NDArray[np.float64], k: int = 100) -> Likeliest:
    ids = np.argsort(-logits, axis=1)[:, :k]
    return Likeliest(ids.astype(np.uint64) + 1, np.take_along_axis(logits, ids, axis=1))


def test_likeliest_tokens_follow_the_parent_more_than_strangers_or_a_student_does() -> None:
    source, n = np.random.default_rng(0), 64
    shared = source.normal(size=(n, 400)) * 2
    parents = [shared + source.normal(size=(n, 400)) for _ in range(5)]
    tuned = parents[0] + 0.7 * source.normal(size=(n, 400)) + 2 * source.normal(size=400)  # some tokens up, some down
    student = 0.6 * shared + 0.4 * parents[0] + 0.3 * source.normal(size=(n, 400))
    models = Models(np.array(["0", "1", "2", "3", "4", "0", "student"]), ["one"] * 7, np.arange(5))
    known = [likeliest_of(logits) for logits in (*parents, tuned, student)]
    scores = ResidualScores(models, known, np.arange(7)[:, None] != np.arange(5))(np.arange(n))
    assert scores[5].argmax() == 0
    assert scores[5, 0] > 0.15 + np.nanmax(np.delete(scores, 5, axis=0))


def test_likeliest_tokens_say_nothing_with_fewer_than_two_rivals() -> None:
    source = np.random.default_rng(0)
    known = [likeliest_of(source.normal(size=(16, 400))) for _ in range(4)]
    models = Models(np.array(["0", "1", "2", "0"]), ["one"] * 4, np.arange(3))
    same = np.arange(4)[:, None] != np.arange(3)
    assert np.isfinite(ResidualScores(models, known, same)(np.arange(16))[3]).tolist() == [True, False, False]


def test_what_many_explain_alike_speaks_for_nobody_and_a_copy_for_its_parent() -> None:
    alike = np.full((6, 6), 0.5)
    np.fill_diagonal(alike, 1)
    for expected in (0, 1):
        explained = Alike(alike, 0.0).explained_by(0, np.arange(1, 5))
        assert explained is not None
        assert beyond_rivals(*explained) == pytest.approx(expected)
        alike[:2, :2] = 1  # a copy


def test_neither_a_canarys_level_nor_what_a_token_always_gets_counts() -> None:
    source = np.random.default_rng(0)
    canaries, tokens = np.repeat(np.arange(50), 20), np.tile(np.arange(20), 50)
    values = source.normal(size=(1000, 2))
    moved = 3 * values + source.normal(size=50)[canaries, None] + source.normal(size=20)[tokens, None]
    # of a token that comes up 50 times, what it always gets goes but for a twenty-sixth
    np.testing.assert_allclose(standardised(moved, canaries, tokens), standardised(values, canaries, tokens), atol=0.1)


def test_a_few_tokens_far_out_do_not_hide_a_parent() -> None:
    """One in a hundred, which a candidate and a rival were both taught: without a bound they outweigh all others."""
    source = np.random.default_rng(0)
    canaries, tokens = np.repeat(np.arange(100), 10), np.arange(1000)
    parent, rival = source.normal(size=(2, 1000))
    taught = np.where(source.random(1000) < 0.01, 30.0, 0.0)
    values = np.stack([parent + source.normal(size=1000) + taught, parent, rival + taught], axis=-1)
    sides = standardised(values, canaries, tokens)
    assert np.sqrt((sides**2).mean(axis=0)) == pytest.approx(np.ones(3))
    with_parent, with_rival = sides[:, 0] @ sides[:, 1:] / 1000
    assert with_parent > 0.4 > with_rival


def test_a_token_that_is_not_known_is_as_likely_as_the_last_of_the_likeliest_and_named_ones_are_known() -> None:
    known = Likeliest(
        np.array([[11, 12], [0, 0]], np.uint64),
        np.array([[-1.0, -2.0], [-np.inf, -np.inf]]),
        np.array([14, 13], np.uint64),
        np.array([[-7.0, -6.0], [np.nan, np.nan]]),
    )
    names = np.array([[12, 13, 99, 0], [12, 13, 99, 0]], np.uint64)
    np.testing.assert_array_equal(known.of(names), [[-2, -6, -2, np.nan], [np.nan] * 4])


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
