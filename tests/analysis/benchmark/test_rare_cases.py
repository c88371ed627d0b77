"""What a library hardly has is possible all the same: shared tokenizers, and kin who answer like strangers."""

import numpy as np
import pytest

from analysis.benchmark.rare_cases import ERASED, SHARED_TOKENIZERS, Layout, with_rare_cases
from analysis.kinship.classifier import KinshipClassifier


def pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Behaviour and tokenizer: kin answer alike and share the tokenizer; strangers neither."""
    source = np.random.default_rng(0)
    same = np.arange(n) % 2 == 0
    behaviour = np.where(same, source.uniform(0.3, 1, n), source.normal(0, 0.1, n))
    return np.column_stack([behaviour, same]).astype(np.float32), same


def test_who_shares_a_tokenizer_alone_is_left_open() -> None:
    features, same = pairs(400)
    alone, plain, stranger = np.array([[0.0, 1.0]]), np.array([[0.9, 1.0]]), np.array([[0.0, 0.0]])
    naive = KinshipClassifier(0.01).fit(features, same.astype(int))
    pairs_, kin, weight = with_rare_cases(features, same, np.ones(len(same)), Layout(answers=2, tokenizer=1))
    careful = KinshipClassifier(0.01).fit(pairs_, kin, sample_weight=weight)
    assert abs(naive.decision_function(alone)[0]) > 0.7
    assert abs(careful.decision_function(alone)[0]) < 0.7
    assert careful.decision_function(plain)[0] > 2
    assert careful.decision_function(stranger)[0] < -2


def test_every_pair_stands_there_twice_and_weighs_what_it_did() -> None:
    features, same = pairs(10)
    found, kin, weight = with_rare_cases(features, same, np.ones(10), Layout(answers=2, tokenizer=1))
    assert (len(found), kin.sum()) == (20, 10)
    np.testing.assert_allclose(weight[:10] + weight[10:], 1)
    np.testing.assert_allclose(weight[10:], np.where(same, ERASED, SHARED_TOKENIZERS))
    assert (found[10:, 1] == 1).all()
    assert (found[10:, 0][same] == 0).all()
    assert found[10:, 0][~same] == pytest.approx(features[~same][:, 0])


def test_what_is_no_channel_is_left_as_it_is() -> None:
    features, same = pairs(10)
    shared = np.column_stack([features, np.full(10, 0.8)]).astype(np.float32)
    found, _, _ = with_rare_cases(shared, same, np.ones(10), Layout(answers=2, tokenizer=1))
    assert (found[10:, 2] == np.float32(0.8)).all()


def test_of_strangers_taken_to_share_a_tokenizer_nothing_is_told_but_what_was_known() -> None:
    features, same = pairs(10)
    beside = np.where(same, 0.4, 0.0)
    beside[1] = 0.02  # a stranger that has the tokenizer indeed
    told = np.column_stack([features, beside]).astype(np.float32)
    found, _, _ = with_rare_cases(told, same, np.ones(10), Layout(answers=2, tokenizer=1, untold=0.1))
    np.testing.assert_array_equal(found[:10], told)
    expected = np.where(same, 0.4, 0.1)
    expected[1] = 0.02
    np.testing.assert_allclose(found[10:, 2], expected, rtol=1e-6)
