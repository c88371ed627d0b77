"""Model Provenance Testing: the test by hand, whom it accuses and whom it leaves alone."""

import numpy as np
import pytest
from scipy.stats import binom

from analysis.baselines.provenance_testing import (
    ProvenanceTesting,
    agreements,
    holm,
    p_of_two_proportions,
    parent_of,
)
from probes.errors import LibraryError

N = 200


def speaker(model, name, generator, like=None, agreement=0.0, lineage=""):
    """A model that says one of 50 words to each of N prompts, or on a share of them what another says."""
    words = [f"word{number}" for number in generator.integers(0, 50, N)]
    if like is not None:
        words = [old if generator.random() < agreement else new for old, new in zip(like.greedy, words, strict=True)]
    return model(name, [[word] for word in words], lineage or name)


@pytest.fixture
def parents(model):
    generator = np.random.default_rng(0)
    return [speaker(model, name, generator) for name in ("ash", "birch", "cedar", "elm")]


def test_a_worked_example_of_the_test():
    # 60 of 100 against 40 of 100: pooled 0.5, standard error sqrt(0.25 / 50) = 0.0707, z = 2.828, one-sided 0.00234.
    assert p_of_two_proportions(60, 100, 40, 100) == pytest.approx(0.002339, abs=1e-6)
    # 3 of 4 against 1 of 4, Fisher's: (C(4,3) C(4,1) + 1) / C(8,4) = 17 / 70.
    assert p_of_two_proportions(3, 4, 1, 4) == pytest.approx(17 / 70)


def test_a_worked_example_of_holms_procedure():
    # Sorted 0.01, 0.02, 0.03, 0.5, times 4, 3, 2, 1, never falling: 0.04, 0.06, 0.06, 0.5.
    np.testing.assert_allclose(holm(np.array([0.5, 0.01, 0.03, 0.02])), [0.5, 0.04, 0.06, 0.06])


def test_it_accuses_a_clone_and_a_fine_tune_of_their_parent(model, parents):
    generator = np.random.default_rng(1)
    clone = speaker(model, "renamed", generator, parents[1], 1.0)
    tuned = speaker(model, "tuned", generator, parents[2], 0.5)
    assert parent_of(clone, parents)[0] == "birch"
    assert parent_of(tuned, parents)[0] == "cedar"
    for peer in ProvenanceTesting().grid():
        assert peer.scores([clone, tuned], parents).argmax(axis=1).tolist() == [1, 2]


def test_it_accuses_nobody_of_an_independent_model_more_often_than_it_says(model, parents):
    generator = np.random.default_rng(2)
    accused = sum(parent_of(speaker(model, "new", generator), parents)[0] is not None for _ in range(100))
    assert accused <= binom.ppf(0.999, 100, 0.05)


def test_what_a_candidate_shares_with_all_parents_accuses_none(model, parents):
    generator = np.random.default_rng(3)
    common = speaker(model, "common", generator)
    alike = [speaker(model, one.name, generator, common, 0.8) for one in parents]
    new = speaker(model, "new", generator, common, 0.8)
    assert parent_of(new, alike)[0] is None
    assert ProvenanceTesting(plain=True).scores([new], alike).min() > 0.5  # the plain share would accuse every one
    assert np.abs(ProvenanceTesting().scores([new], alike)).max() < 4


def test_relatives_of_the_parent_are_no_controls(model, parents):
    generator = np.random.default_rng(4)
    twin = speaker(model, "ash-int8", generator, parents[0], 0.99, lineage="ash")
    child = speaker(model, "child", generator, parents[0], 0.6)
    assert parent_of(child, [*parents, twin])[0] in ("ash", "ash-int8")
    assert (ProvenanceTesting().scores([child], [*parents, twin])[0, [0, 4]] > 4).all()


def test_prompts_without_an_answer_are_no_trials(model):
    hits, trials = agreements([model("one", [["a"], [], ["c"]])], [model("other", [["a"], ["b"], []])])
    assert (hits[0, 0], trials[0, 0]) == (1, 1)


def test_it_says_what_is_missing(model, parents):
    with pytest.raises(LibraryError, match="answered"):
        parent_of(parents[0], parents[:1])
    with pytest.raises(LibraryError, match="control"):
        parent_of(parents[0], parents[1:2])
    assert np.isnan(ProvenanceTesting().scores(parents[:1], parents[1:2])).all()
