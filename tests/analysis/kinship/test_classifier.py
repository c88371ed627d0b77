"""The score of pairs, however many there are to learn from."""

import numpy as np
import pytest

from analysis.kinship.classifier import KinshipClassifier


def test_many_pairs_are_solved_for_another_way_and_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    source = np.random.default_rng(0)
    kin = source.random(12_000) < 0.1
    features = source.normal(0, 1, (12_000, 3)) + kin[:, None] * [1.0, 0.5, 0.0]
    weight = source.random(12_000)
    many = KinshipClassifier().fit(features, kin, weight)
    monkeypatch.setattr("analysis.kinship.classifier._MANY", 20_000)
    few = KinshipClassifier().fit(features, kin, weight)
    assert (many.pipeline_[-1].solver, few.pipeline_[-1].solver) == ("newton-cholesky", "lbfgs")
    np.testing.assert_allclose([*many.slopes, many.intercept], [*few.slopes, few.intercept], atol=1e-4)
