"""The two estimators keep scikit-learn's contract."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from analysis.attribution.posterior import Attributor
from analysis.kinship.classifier import KinshipClassifier

# With the hypothesis `unknown` the posterior has one class more than y, which these generic checks can't know.
WITHOUT_UNKNOWN = Attributor(unknown_prior=0)


@parametrize_with_checks([KinshipClassifier(), WITHOUT_UNKNOWN])
def test_scikit_learn_contract(estimator, check):
    check(estimator)
