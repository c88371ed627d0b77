"""The score of pairs, however many there are to learn from."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from analysis.kinship.classifier import KinshipClassifier


@pytest.mark.parametrize("pairs", [200, 12_000])
def test_newtons_method_finds_what_any_other_does(pairs: int) -> None:
    source = np.random.default_rng(0)
    kin = source.random(pairs) < 0.1
    features = source.normal(0, 1, (pairs, 3)) + kin[:, None] * [1.0, 0.5, 0.0]
    weight = source.random(pairs)
    found = KinshipClassifier().fit(features, kin, weight)
    scaler = StandardScaler().fit(features, sample_weight=_balanced(kin, weight))
    other = LogisticRegression(C=1, max_iter=1000, tol=1e-8, solver="lbfgs")
    other.fit(scaler.transform(features), kin, sample_weight=_balanced(kin, weight))
    slopes = other.coef_[0] / scaler.scale_
    theirs = [*slopes, other.intercept_[0] - slopes @ scaler.mean_]
    np.testing.assert_allclose([*found.slopes, found.intercept], theirs, atol=1e-4)


def _balanced(kin: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return weight * np.where(kin, weight.sum() / 2 / weight[kin].sum(), weight.sum() / 2 / weight[~kin].sum())
