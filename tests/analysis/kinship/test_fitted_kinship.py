"""A file of coefficients: what serves whom, and what is no such file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.attribution.rules import Rules
from analysis.kinship.beside_rivals import NAMES
from analysis.kinship.classifier import KinshipClassifier
from analysis.kinship.fitted import Fit, FittedKinship
from analysis.signatures.observation import Access
from probes.errors import LibraryError

BEHAVIOUR = ("next_token", "greedy")
FIT = Fit("topk", 20, 16, BEHAVIOUR, (4.0, 2.0), -1.0, 12, {"ece": 0.1}, 0.9, 0.97)


def of(*fits: Fit) -> FittedKinship:
    return FittedKinship(fits, ("a", "b"), ("a", "b"), "made-up", 0.5, 0.005, 0.1, 0.1, {"python": "3"})


def test_the_nearest_fit_that_saw_no_more_serves() -> None:
    more, fewer = replace(FIT, canaries=64), replace(FIT, seen=5)
    fitted = of(FIT, more, fewer)
    assert fitted.at(Access("topk", 20), 40, BEHAVIOUR) == FIT
    assert fitted.at(Access("topk", 50), 64, BEHAVIOUR) == more
    assert fitted.at(Access("topk", 10), 64, BEHAVIOUR) == fewer
    assert fitted.at(Access("topk", 20), 15, BEHAVIOUR) is None
    assert fitted.at(Access("topk", 20), 40, BEHAVIOUR[:1]) is None
    assert fitted.at(Access("logits"), 40, BEHAVIOUR) is None


def test_it_reads_back_and_scores_as_what_was_fitted(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(60, 2))
    labels = (features.sum(axis=1) + np.random.default_rng(1).normal(size=60) > 0).astype(int)
    learned = KinshipClassifier().fit(features, labels)
    fitted = of(replace(FIT, slopes=tuple(learned.slopes.tolist()), intercept=learned.intercept))
    fitted.save(tmp_path / "new" / "kinship.json")
    again = FittedKinship.load(tmp_path / "new" / "kinship.json")
    assert again == fitted
    np.testing.assert_allclose(again.fits[0].kinship.decision_function(features), learned.decision_function(features))
    assert again.fits[0].sets is not None
    assert again.fits[0].sets({"a": 0.9, "b": 0.06, "unknown": 0.04}) == ("a", "b")
    assert replace(FIT, most=None).sets is None


@pytest.mark.parametrize(
    "broken",
    [
        "[]",
        "{}",
        "no json",
        {"fits": [{"tier": "topk"}]},
        {"fits": [{**FIT.__dict__, "slopes": [1.0]}]},
        {"fits": [{**FIT.__dict__, "intercept": float("nan")}]},
        {"schema": 99},
    ],
)
def test_anything_else_is_refused_in_a_sentence(tmp_path: Path, broken: object) -> None:
    path = tmp_path / "kinship.json"
    of(FIT).save(path)
    text = broken if isinstance(broken, str) else json.dumps({**json.loads(path.read_text("utf-8")), **dict(broken)})  # type: ignore[call-overload]
    path.write_text(text, "utf-8")
    with pytest.raises(LibraryError, match=r"kinship\.json"):
        FittedKinship.load(path)
    with pytest.raises(LibraryError, match="can't be read"):
        FittedKinship.load(tmp_path / "nothing.json")


def test_the_shipped_file_has_a_fit_for_every_access_and_the_default_channels() -> None:
    fitted = FittedKinship.load()
    for access in (Access("logits"), Access("topk", 20), Access("topk", 5), Access("text", draws=4)):
        for canaries in (8, 48, 297):
            fit = fitted.at(access, canaries, (*Rules.channels, *NAMES))
            assert fit is not None
            assert min(fit.slopes) >= 0
            assert {"calibration_p_value", "calibration_error", "set_coverage"} <= set(fit.reliability)
    assert len(fitted.lineages) >= fitted.fits[0].lineages >= 9
