"""A library in which every family has a tokenizer of its own must not teach that sharing one is kinship."""

import numpy as np
import pytest

from analysis.benchmark.collisions import SHARED_TOKENIZERS, with_collisions
from analysis.kinship import KinshipClassifier


def pairs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Behaviour and tokenizer: kin answer alike, less so some, and share the tokenizer; strangers neither."""
    source = np.random.default_rng(seed)
    same = np.arange(n) % 2 == 0
    behaviour = np.where(same, source.uniform(0, 1, n), source.normal(0, 0.1, n))
    return np.column_stack([behaviour, same]).astype(np.float32), same


def test_a_shared_tokenizer_alone_is_worth_what_is_said_and_no_more() -> None:
    features, same = pairs(400)
    lookalike = np.array([[0.0, 1.0]])
    naive = KinshipClassifier(0.01).fit(features, same.astype(int))
    assert naive.decision_function(lookalike)[0] > 2
    careful = KinshipClassifier(0.01).fit(*_fit(features, same))
    assert careful.decision_function(lookalike)[0] < 0.5
    assert careful.decision_function(np.array([[0.9, 1.0]]))[0] > 2
    assert careful.decision_function(np.array([[0.9, 0.0]]))[0] < careful.decision_function(np.array([[0.9, 1.0]]))[0]


def _fit(features: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return with_collisions(features, same, np.ones(len(same)), tokenizer=1)


def test_weights_are_shared_out_and_kin_is_left_alone() -> None:
    features, same = pairs(10)
    found, kin, weight = _fit(features, same)
    assert (len(found), kin.sum()) == (15, 5)
    assert weight[kin == 0].sum() == pytest.approx(5)
    np.testing.assert_allclose(weight[10:], SHARED_TOKENIZERS)
    assert (found[10:, 1] == 1).all()
    np.testing.assert_array_equal(found[10:, 0], features[~same][:, 0])
