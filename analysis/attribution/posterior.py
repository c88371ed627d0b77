"""Attribution: from the kinship with every reference to a posterior over the families and `unknown`."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from analysis.kinship.classifier import KinshipClassifier
from analysis.kinship.fitted import LinearKinship
from analysis.libraries.library import UNKNOWN as UNKNOWN

PairFeatures = Callable[[Any, Any], npt.NDArray[np.float64]]


class Attributor(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Posterior over the families of the stored references, and over `unknown`.

    Under the hypothesis "family f", the candidate is kin to one of f's references (each equally likely) and a
    stranger to all others; under `unknown`, a stranger to all. With the log-likelihood ratios of a fitted kinship
    classifier, Bayes' rule gives the posterior. `fit` only stores references: a new family needs no retraining.

    Parameters
    ----------
    kinship : KinshipClassifier, LinearKinship or None
        A fitted classifier of pair features. None fits one on the pairs of the references themselves.
    pairing : callable or None
        `pairing(A, B)` gives the features (n_a, n_b, n_features) of all pairs. None takes the negated Euclidean
        distance between rows of numbers.
    unknown_prior : float, default=0.5
        Prior probability of `unknown`; 0 leaves that hypothesis, and its class, out.
    family_prior : mapping or None
        Prior weight by family; None weighs all alike.
    doubt : float, default=0
        Probability that the likelihoods mean nothing for a candidate of a lineage that was never seen. Then the prior
        stands: it is mixed into the posterior with this share, whatever the evidence and however many the families.
    family_sizes : mapping or None
        How many references each family has in all, where those stored are only the ones nearest to the candidate. Those
        not stored count as strangers, and families without any stored take their share of the prior, and nothing else.

    Attributes
    ----------
    classes_ : ndarray, the families in sorted order, then `unknown`
    references_ : the references, as given
    families_ : ndarray of shape (n_references,)
    kinship_ : KinshipClassifier

    Examples
    --------
    >>> Attributor(unknown_prior=0).fit([[0.0], [0.1], [5.0], [5.1]], ["a", "a", "b", "b"]).predict([[4.9]])
    array(['b'], dtype='<U1')
    """

    def __init__(
        self,
        kinship: KinshipClassifier | LinearKinship | None = None,
        pairing: PairFeatures | None = None,
        unknown_prior: float = 0.5,
        family_prior: Mapping[str, float] | None = None,
        doubt: float = 0.0,
        family_sizes: Mapping[str, int] | None = None,
    ) -> None:
        self.kinship = kinship
        self.pairing = pairing
        self.unknown_prior = unknown_prior
        self.family_prior = family_prior
        self.doubt = doubt
        self.family_sizes = family_sizes

    def fit(self, X: Any, y: Any) -> Self:
        """Store references X (rows of numbers, or signatures with `pairing`) and their families y (n_references,).

        Raises ValueError on a prior outside [0, 1), or a family without a prior weight.
        """
        if self.pairing is None:
            X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        if not 0 <= self.unknown_prior < 1:
            raise ValueError(f"unknown_prior must lie in [0, 1); it is {self.unknown_prior}")
        if not 0 <= self.doubt < 0.5:
            raise ValueError(f"doubt must lie in [0, 0.5); it is {self.doubt}")
        self.references_, self.families_ = X, np.asarray(y)
        families = np.unique(self.families_)
        self.classes_ = np.append(families, UNKNOWN) if self.unknown_prior > 0 else families
        everybody = families if self.family_sizes is None else np.array(sorted(self.family_sizes))
        weights, all_weights = (self._weights(names) for names in (families, everybody))
        if len(families) < 2 and self.kinship is None:
            raise ValueError(f"Attributor needs a fitted kinship or two families; there is {len(families)} class")
        if not weights.min() > 0:
            raise ValueError(
                f"every family needs a positive prior weight; got {dict(zip(families, weights, strict=True))}"
            )
        self.log_prior_ = np.log(weights / all_weights.sum() * (1 - self.unknown_prior))
        stored = np.unique(self.families_, return_counts=True)[1]
        whole = stored if self.family_sizes is None else np.array([self.family_sizes[f] for f in families.tolist()])
        self.log_share_ = np.log(stored / whole)
        self.kinship_ = self._fit_on_references() if self.kinship is None else self.kinship
        return self

    def _weights(self, families: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return np.array([1.0 if self.family_prior is None else self.family_prior.get(f, 0.0) for f in families])

    def log_likelihood_ratios(self, X: Any) -> npt.NDArray[np.float64]:
        """Nats for "kin" against "strangers", each candidate with each reference: (n_samples, n_references)."""
        check_is_fitted(self)
        if self.pairing is None:
            X = validate_data(self, X, reset=False, dtype=np.float64)
        features = self._pair_features(X, self.references_)
        scores = self.kinship_.decision_function(features.reshape(-1, features.shape[-1]))
        return scores.reshape(features.shape[:2])

    def evidence(self, X: Any) -> npt.NDArray[np.float64]:
        """Nats for each family against "stranger to all": (n_samples, n_families), in the order of `classes_`."""
        ratios = self.log_likelihood_ratios(X)
        families = np.unique(self.families_, return_inverse=True)[1]
        return np.asarray(family_evidence(ratios, families) + self.log_share_)

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Posterior (n_samples, n_classes), in the order of `classes_`; every row sums to 1."""
        evidence = self.evidence(X)
        unknown = [np.log(self.unknown_prior)] if self.unknown_prior > 0 else []
        log_prior = np.append(self.log_prior_, unknown)
        return np.exp(doubted(log_posterior(evidence, log_prior), log_prior, self.doubt))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likeliest class of each candidate (n_samples,)."""
        posterior = self.predict_proba(X)
        labels: npt.NDArray[Any] = self.classes_[np.argmax(posterior, axis=1)]
        return labels

    def _pair_features(self, X: Any, references: Any) -> npt.NDArray[np.float64]:
        if self.pairing is not None:
            return self.pairing(X, references)
        distances: npt.NDArray[np.float64] = -euclidean_distances(X, references)
        return distances[..., None]

    def _fit_on_references(self) -> KinshipClassifier:
        features = self._pair_features(self.references_, self.references_)
        same = self.families_[:, None] == self.families_[None, :]
        off_diagonal = ~np.eye(len(same), dtype=bool)
        return KinshipClassifier().fit(features[off_diagonal], same[off_diagonal].astype(int))


def family_evidence(
    ratios: npt.NDArray[np.float64],
    family: npt.NDArray[np.intp],
    there: npt.NDArray[np.bool_] | None = None,
    focus: float = 1.0,
) -> npt.NDArray[np.float64]:
    """Nats for each family against "stranger to all": [n_samples, n_families], -inf for a family that is not there.

    `ratios` [n_samples, n_references] of the pairs, `family` [n_references] their families by number, `there` which
    references each sample is compared with (all by default). A candidate is kin to one of the family's references,
    each equally likely: the log of the mean likelihood ratio. A `focus` below 1 turns this into the mean of the
    log-ratios (kin to all alike), above 1 into their maximum (only the nearest counts).
    """
    order = np.argsort(family, kind="stable")
    starts = np.searchsorted(family[order], np.arange(int(family.max()) + 1))
    known = np.ones(ratios.shape, dtype=bool) if there is None else there[:, order]
    nats = np.where(known, ratios[:, order], -np.inf)
    highest = np.maximum.reduceat(nats, starts, axis=1)
    above = np.where(np.isfinite(highest), highest, 0.0)[:, family[order]]
    size = np.add.reduceat(known, starts, axis=1, dtype=np.float64)
    total = np.add.reduceat(np.exp(focus * (nats - above)), starts, axis=1)
    mean = np.where(size > 0, total, 1) / np.maximum(size, 1)
    evidence: npt.NDArray[np.float64] = highest + np.log(mean) / focus
    return evidence


def doubted(
    log_posterior: npt.NDArray[np.float64], log_prior: npt.NDArray[np.float64], doubt: float
) -> npt.NDArray[np.float64]:
    """A log posterior [..., n_classes], into which the prior over these classes is mixed with the share `doubt`."""
    if not doubt:
        return log_posterior
    prior = log_prior - logsumexp(log_prior, axis=-1, keepdims=True)
    mixed: npt.NDArray[np.float64] = np.logaddexp(np.log1p(-doubt) + log_posterior, np.log(doubt) + prior)
    return mixed


def log_posterior(evidence: npt.NDArray[np.float64], log_prior: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Bayes' rule: [n_samples, n_classes]. If `log_prior` has one class more than `evidence`, that is `unknown`."""
    unknown = np.zeros((len(evidence), log_prior.shape[-1] - evidence.shape[1]))
    joint = np.column_stack([evidence, unknown]) + log_prior
    posterior: npt.NDArray[np.float64] = joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)  # quick for few
    return posterior
