"""What bears an accusation, and what never does."""

import json
from dataclasses import asdict, replace

import pytest

from analysis.accusation import Asked, Findings, WeightsFound


def weights(shared: str, profile: float = 0.99) -> WeightsFound:
    return WeightsFound(shared, True, profile, 50, 85, {"cosine": 0.0})  # type: ignore[arg-type]


def findings(
    descent: str | None = None, shared: str | None = None, apart: float | None = None, **more: object
) -> Findings:
    """Of a suspect whose tokenizer, family and standard deviations are those of the accused."""
    given = {"tokenizers": ("oak",), "decision": "attributed", "family": "oak", "likeliest": "oak", "p": 0.98, **more}
    compared = None if shared is None else weights(shared)
    return Findings(**given, descent=descent, apart=apart, weights=compared)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("descent", "shared", "apart", "conclusion"),
    [
        (None, None, None, "no_accusation"),
        ("independent_not_rejected", "apart", 0.0, "no_accusation"),
        ("undecidable", "undecided", 0.05, "no_accusation"),
        ("shared_ancestry", None, 0.3, "descends"),
        ("shared_ancestry", "shared", 0.3, "descends"),
        ("shared_ancestry", "undecided", 0.05, "near_identical_copy"),
        ("undecidable", "shared", 0.0, "near_identical_copy"),
        ("independent_not_rejected", "shared", 0.3, "descends"),
        ("shared_ancestry", "apart", 0.0, "measures_disagree"),
    ],
)
def test_only_descent_and_deciding_weights_bear_an_accusation(
    descent: str | None, shared: str | None, apart: float | None, conclusion: str
) -> None:
    """However well tokenizer, architecture, family and the standard deviations agree."""
    assert findings(descent, shared, apart).conclusion == conclusion


def test_what_was_rebuilt_in_another_architecture_is_no_copy_however_alike_it_answers() -> None:
    found = findings("shared_ancestry", "shared", 0.05)
    rebuilt = replace(weights("shared"), same_architecture=False)
    assert found.conclusion == "near_identical_copy"
    assert replace(found, weights=rebuilt).conclusion == "descends"


def test_a_verdict_is_right_only_if_conclusion_and_family_are() -> None:
    descends = Asked("descends", "oak", named=True)
    assert not list(descends.missed(findings("shared_ancestry")))
    open_family = findings("shared_ancestry", family=None, decision="inconclusive")
    assert list(descends.missed(open_family)) == ["the family inconclusive instead of oak"]
    assert list(descends.missed(findings("undecidable"))) == ["no_accusation instead of descends"]
    innocent = Asked("no_accusation", "elm")
    assert list(innocent.missed(findings("undecidable"))) == ["the family oak instead of elm"]
    assert not list(innocent.missed(findings(family="elm")))
    assert not list(innocent.missed(findings(family=None, decision="unknown")))


def test_findings_are_read_as_they_were_written() -> None:
    for found in (findings("shared_ancestry", "shared", 0.0), findings()):
        assert Findings.of_entry(json.loads(json.dumps(asdict(found)))) == found
