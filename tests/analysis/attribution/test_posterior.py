"""Attribution: pair scores become a posterior exactly as Bayes' rule says."""

import doctest
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import logsumexp

import analysis.attribution.posterior
import analysis.kinship.classifier
from analysis.attribution.attribute import Rules
from analysis.attribution.posterior import UNKNOWN, Attributor
from analysis.kinship.classifier import KinshipClassifier, fit_kinship
from analysis.kinship.pairing import Pairing
from analysis.signatures.signature import Signature
from tests.signatures import sign

CHANNELS = ("next_token", "greedy")
FAMILIES = ["ash", "ash", "birch", "birch", "cedar", "cedar"]


@pytest.fixture(scope="module")
def references() -> list[Signature]:
    return [sign(number // 2, number % 2) for number in range(6)]


@pytest.fixture(scope="module")
def pairing(references: list[Signature]) -> Pairing:
    return Pairing(CHANNELS).fit(references, references, FAMILIES)


@pytest.fixture(scope="module")
def kinship(references: list[Signature]) -> KinshipClassifier:
    return fit_kinship(Pairing(CHANNELS), references, references, FAMILIES, Rules().regularisation)


@pytest.fixture(scope="module")
def fitted(references: list[Signature], pairing: Pairing, kinship: KinshipClassifier) -> Attributor:
    return Attributor(kinship, pairing).fit(references, FAMILIES)


CANDIDATES = [sign(0, 7), sign(1, 7), sign(2, 7), sign(9, 7), sign(10, 0)]


@pytest.mark.parametrize("module", [analysis.attribution.posterior, analysis.kinship.classifier])
def test_the_examples_in_the_documentation(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert results.failed == 0
    assert results.attempted > 0


def test_relatives_are_named_and_strangers_are_unknown(fitted: Attributor) -> None:
    posterior = fitted.predict_proba(CANDIDATES)
    assert fitted.classes_.tolist() == ["ash", "birch", "cedar", UNKNOWN]
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    assert fitted.predict(CANDIDATES).tolist() == ["ash", "birch", "cedar", UNKNOWN, UNKNOWN]
    assert posterior.max(axis=1).min() > 0.7


def test_the_posterior_is_bayes_rule(fitted: Attributor) -> None:
    ratios = fitted.log_likelihood_ratios(CANDIDATES)
    families = np.array(FAMILIES)
    likelihoods = [np.exp(ratios[:, families == name]).mean(axis=1) / 3 for name in ("ash", "birch", "cedar")]
    weights = 0.5 * np.column_stack([*likelihoods, np.ones(len(CANDIDATES))])
    np.testing.assert_allclose(fitted.predict_proba(CANDIDATES), weights / weights.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("prior", [0.01, 0.3, 0.9])
def test_the_prior_of_unknown_shifts_log_odds_by_its_own(
    references: list[Signature], pairing: Pairing, kinship: KinshipClassifier, fitted: Attributor, prior: float
) -> None:
    even = np.log(fitted.predict_proba(CANDIDATES))
    moved = np.log(
        Attributor(kinship, pairing, unknown_prior=prior).fit(references, FAMILIES).predict_proba(CANDIDATES)
    )
    shift = (moved[:, -1:] - moved[:, :-1]) - (even[:, -1:] - even[:, :-1])
    np.testing.assert_allclose(shift, np.log(prior / (1 - prior)), atol=1e-6)


def test_family_weights_shift_log_odds_by_their_own(
    references: list[Signature], pairing: Pairing, kinship: KinshipClassifier, fitted: Attributor
) -> None:
    weights = {"ash": 1.0, "birch": 6.0, "cedar": 3.0}
    weighted = Attributor(kinship, pairing, family_prior=weights).fit(references, FAMILIES)
    change = np.log(weighted.predict_proba(CANDIDATES)) - np.log(fitted.predict_proba(CANDIDATES))
    against_unknown = change[:, :-1] - change[:, -1:]
    np.testing.assert_allclose(against_unknown, np.tile(np.log([0.3, 1.8, 0.9]), (len(CANDIDATES), 1)), atol=1e-6)


@pytest.mark.parametrize("families", [1, 40, 4000])
def test_doubt_leaves_the_prior_its_share_however_many_the_families(
    references: list[Signature], pairing: Pairing, kinship: KinshipClassifier, families: int
) -> None:
    """What evidence there is would name a family among any number of them; doubt takes its share of that, no more."""
    sizes = {"ash": 2, "birch": 2, "cedar": 2, **{f"family {n}": 2 for n in range(families)}}
    sure, unsure = (
        Attributor(kinship, pairing, doubt=doubt, family_sizes=sizes).fit(references, FAMILIES) for doubt in (0, 0.1)
    )
    before, after = (one.predict_proba(CANDIDATES) for one in (sure, unsure))
    prior = np.array([0.5 / len(sizes)] * 3 + [0.5])
    np.testing.assert_allclose(after, 0.9 * before + 0.1 * prior / prior.sum())
    np.testing.assert_allclose(after.sum(axis=1), 1)


def test_without_unknown_only_families_share_the_posterior(
    references: list[Signature], pairing: Pairing, kinship: KinshipClassifier
) -> None:
    closed = Attributor(kinship, pairing, unknown_prior=0).fit(references, FAMILIES)
    assert UNKNOWN not in closed.classes_
    np.testing.assert_allclose(closed.predict_proba(CANDIDATES).sum(axis=1), 1)


def test_the_order_of_references_and_candidates_changes_nothing(
    references: list[Signature], pairing: Pairing, kinship: KinshipClassifier, fitted: Attributor
) -> None:
    order = [4, 0, 5, 2, 1, 3]
    shuffled, families = [references[place] for place in order], [FAMILIES[place] for place in order]
    again = Attributor(kinship, pairing).fit(shuffled, families)
    np.testing.assert_allclose(again.predict_proba(CANDIDATES[::-1])[::-1], fitted.predict_proba(CANDIDATES))
    refitted = fit_kinship(Pairing(CHANNELS), shuffled, shuffled, families, Rules().regularisation)
    np.testing.assert_allclose(refitted.slopes, kinship.slopes, rtol=1e-4)


def test_a_new_family_is_added_by_its_references_alone(
    references: list[Signature], pairing: Pairing, kinship: KinshipClassifier, fitted: Attributor
) -> None:
    before = kinship.slopes.copy(), pairing.background_.copy()
    more = Attributor(kinship, pairing).fit([*references, sign(9, 0)], [*FAMILIES, "dogwood"])
    assert more.predict([CANDIDATES[3]]).tolist() == ["dogwood"]
    np.testing.assert_array_equal(before[0], kinship.slopes)
    np.testing.assert_array_equal(before[1], pairing.background_)
    np.testing.assert_array_equal(
        more.log_likelihood_ratios(CANDIDATES)[:, :6], fitted.log_likelihood_ratios(CANDIDATES)
    )


def test_many_references_are_no_vote(references: list[Signature], pairing: Pairing, kinship: KinshipClassifier) -> None:
    stuffed = Attributor(kinship, pairing).fit([*references, *[references[0]] * 50], [*FAMILIES, *["ash"] * 50])
    assert stuffed.predict(CANDIDATES[1:]).tolist() == ["birch", "cedar", UNKNOWN, UNKNOWN]


def test_the_score_is_linear_in_the_features(
    kinship: KinshipClassifier, pairing: Pairing, references: list[Signature]
) -> None:
    features = pairing(CANDIDATES, references).reshape(-1, 2)
    scores = kinship.decision_function(features)
    np.testing.assert_allclose(np.diff(scores), np.diff(features @ kinship.slopes), atol=1e-9)
    assert (kinship.slopes > 0).all()


def test_both_classes_weigh_the_same_so_that_the_score_is_a_likelihood_ratio() -> None:
    # Two normal populations at -1 and 1: the log-likelihood ratio is 2x, however unequal their numbers.
    source = np.random.default_rng(0)
    X = np.concatenate([source.normal(1, 1, 2_000), source.normal(-1, 1, 40_000)])[:, None]
    kinship = KinshipClassifier(regularisation=1e-6).fit(X, np.repeat([1, 0], [2_000, 40_000]))
    np.testing.assert_allclose(kinship.slopes, [2], rtol=0.1)
    np.testing.assert_allclose(kinship.decision_function([[0.0]]), [0], atol=0.1)


def test_every_pair_of_families_weighs_the_same_in_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, np.ndarray] = {}

    def spy(self: KinshipClassifier, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> KinshipClassifier:
        given.update(X=X, y=y, weight=sample_weight)
        return self

    monkeypatch.setattr(KinshipClassifier, "fit", spy)
    crowd = ["ash"] * 4 + ["birch"] * 2 + ["cedar"]
    models = [sign("abc".index(family[0]), number) for number, family in enumerate(crowd)]
    fit_kinship(Pairing(CHANNELS), models, models, crowd)
    pairs = [(one, other) for i, one in enumerate(crowd) for j, other in enumerate(crowd) if i != j]
    totals = {pair: given["weight"][[p == pair for p in pairs]].sum() for pair in set(pairs)}
    np.testing.assert_allclose(list(totals.values()), np.ones(8))  # cedar has no pair of kin
    assert given["y"].tolist() == [int(one == other) for one, other in pairs]
    assert given["X"].shape == (len(pairs), 2)


@pytest.mark.parametrize(
    ("families", "said"), [(["a", "a", "a"], "1 class"), (["a", "b", "c"], "both kin and strangers")]
)
def test_kinship_needs_kin_and_strangers(families: Sequence[str], said: str) -> None:
    three = [sign(number) for number in range(3)]
    with pytest.raises(ValueError, match=said):
        fit_kinship(Pairing(CHANNELS), three, three, families)


@pytest.mark.parametrize("changes", [{"unknown_prior": 1.0}, {"unknown_prior": -0.1}, {"family_prior": {"ash": 1.0}}])
def test_priors_that_are_none_are_refused(
    references: list[Signature], pairing: Pairing, kinship: KinshipClassifier, changes: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="prior"):
        Attributor(kinship, pairing, **changes).fit(references, FAMILIES)  # type: ignore[arg-type]


def test_extreme_scores_stay_probabilities() -> None:
    far = Attributor(unknown_prior=0.5).fit([[0.0], [0.1], [1e3], [1e3 + 1]], ["a", "a", "b", "b"])
    posterior = far.predict_proba([[0.0], [1e3], [1e6], [-1e6]])
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    assert np.isfinite(logsumexp(posterior, axis=1)).all()
    assert far.predict([[1e6]]).tolist() == [UNKNOWN]


def test_evidence_is_what_the_posterior_says_beyond_the_prior(fitted: Attributor) -> None:
    posterior = fitted.predict_proba(CANDIDATES)
    odds = np.log(posterior[:, :-1] / posterior[:, -1:])
    np.testing.assert_allclose(fitted.evidence(CANDIDATES), odds + np.log(3), atol=1e-6)
