"""Kinship: the score of a pair of signatures, as a log-likelihood ratio of "same lineage" against "strangers"."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from analysis.kinship.pairing import Pairing
from analysis.signatures.signature import Signature


class KinshipClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Binary logistic regression on pair features: same lineage, or not.

    Both classes weigh the same, so that the decision function is a log-likelihood ratio in nats and the prior can
    be put in afterwards, openly (by `Attributor`).

    Parameters
    ----------
    regularisation : float, default=1.0
        Strength of the penalty on the (standardised) coefficients, the inverse of scikit-learn's `C`.
    similarities : bool, default=False
        Features are similarities, of which none may speak against kinship: those whose coefficient comes out below zero
        are left out, the lowest first, until there is none.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
    pipeline_ : Pipeline, the fitted scaler and logistic regression

    Examples
    --------
    >>> KinshipClassifier().fit([[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1]).predict([[0.8]])
    array([1])
    """

    def __init__(self, regularisation: float = 1.0, similarities: bool = False) -> None:
        self.regularisation = regularisation
        self.similarities = similarities

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to pair features X (n_pairs, n_features) and y (n_pairs,), the larger class meaning same lineage.

        Raises ValueError unless y has exactly two classes.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        self.classes_ = np.unique(y)
        if len(self.classes_) != 2:
            raise ValueError(
                f"Only binary classification is supported; the targets have {len(self.classes_)} class"
                f"{'' if len(self.classes_) == 1 else 'es'}: the pairs must hold both kin and strangers"
            )
        label = np.searchsorted(self.classes_, y)
        weights *= (weights.sum() / 2 / np.bincount(label, weights))[label]  # both classes weigh the same
        used = np.ptp(X, axis=0) > 1e-9  # a constant feature gets no coefficient; rounding makes its variance negative
        self._fit(X * used, y, weights)
        while self.similarities and self.slopes.min() < 0:
            used[np.argmin(np.where(used, self.slopes, np.inf))] = False
            self._fit(X * used, y, weights)
        return self

    def _fit(self, X: npt.NDArray[np.float64], y: Any, weights: npt.NDArray[np.float64]) -> None:
        # few features are solved for by Newton's method, which looks at the pairs a few times only
        regression = LogisticRegression(C=1 / self.regularisation, max_iter=1000, tol=1e-8, solver="newton-cholesky")
        self.pipeline_: Pipeline = make_pipeline(StandardScaler(), regression)
        with config_context(assume_finite=True, skip_parameter_validation=True):  # the pairs were looked at by `fit`
            self.pipeline_.fit(X, y, standardscaler__sample_weight=weights, logisticregression__sample_weight=weights)

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """Log-likelihood ratios in nats (n_pairs,), above 0 for kin."""
        check_is_fitted(self)
        scores: npt.NDArray[np.float64] = self.pipeline_.decision_function(validate_data(self, X, reset=False))
        return scores

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities (n_pairs, 2) at even prior odds."""
        kin = 1 / (1 + np.exp(-np.clip(self.decision_function(X), -500, 500)))
        return np.column_stack([1 - kin, kin])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class of each pair (n_pairs,)."""
        scores = self.decision_function(X)
        labels: npt.NDArray[Any] = self.classes_[(scores > 0).astype(int)]
        return labels

    @property
    def slopes(self) -> npt.NDArray[np.float64]:
        """Nats of evidence for each unit of a feature (n_features,), the scaling undone."""
        scaler, regression = self.pipeline_[0], self.pipeline_[-1]
        slopes: npt.NDArray[np.float64] = regression.coef_[0] / scaler.scale_
        return slopes

    @property
    def intercept(self) -> float:
        """Nats of evidence where every feature is 0, the scaling undone."""
        scaler, regression = self.pipeline_[0], self.pipeline_[-1]
        return float(regression.intercept_[0] - self.slopes @ scaler.mean_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def fit_kinship(
    pairing: Pairing,
    candidates: Sequence[Signature],
    references: Sequence[Signature],
    families: Sequence[str],
    regularisation: float = 1.0,
) -> KinshipClassifier:
    """Fit pairing and classifier on all pairs of different models; every family, and pair of families, weighs one.

    So the evidence against the penalty grows with the lineages, and not with how many references one of them has.

    `candidates` are the models as the candidate's access would see them, `references` the same as recorded.
    Raises ValueError if there are no two families, or no family with two models.
    """
    features = pairing.fit_transform(candidates, references, families)
    pairs = [(i, j) for i in range(len(families)) for j in range(len(families)) if i != j]
    groups = [(families[i], families[j]) for i, j in pairs]
    sizes = {group: groups.count(group) for group in set(groups)}
    return KinshipClassifier(regularisation, similarities=True).fit(
        np.array([features[pair] for pair in pairs]),
        np.array([int(one == other) for one, other in groups]),
        sample_weight=np.array([1 / sizes[group] for group in groups]),
    )
