"""Weights beside behaviour: a measure speaks only by its false positives, and a disagreement is said out loud."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.descent.evidence import Decision, DescentEvidence
from analysis.libraries.library import Library
from analysis.report.language.catalogue import Language
from analysis.report.material import Material
from analysis.report.measured_rates import MeasuredRates
from analysis.report.sections import weights
from analysis.report.weight_measures import WeightMeasure, WeightMeasures
from probes.errors import KinprintError
from probes.recording import Recording
from tests.analysis.report.samples import verdict_of

STRONG = WeightMeasure("cosine_of_matrices", 0.98, independent_reaching=0, independent_pairs=60, upper_bound=0.05)
COMMON = WeightMeasure("std_profile", 0.927, independent_reaching=51, independent_pairs=60, upper_bound=0.93)


@pytest.mark.parametrize(
    ("measure", "reading"),
    [
        (STRONG, "speaks"),
        (COMMON, "tells_nothing"),
        (replace(STRONG, independent_pairs=5), "too_few"),
        (replace(STRONG, independent_reaching=None), "unmeasured"),
        (replace(STRONG, value=None), "unmeasured"),
        (replace(STRONG, decides=False), "not_deciding"),
        (replace(STRONG, descendants_reaching=9, descendant_pairs=9), "between"),
        (replace(STRONG, descendants_reaching=8, descendant_pairs=9), "speaks"),
    ],
)
def test_a_measure_speaks_by_its_false_positives(measure: WeightMeasure, reading: str) -> None:
    assert measure.reading == reading


@pytest.mark.parametrize(
    ("decision", "measure", "told"),
    [
        ("shared_ancestry", STRONG, "They agree: both speak for shared weights"),
        ("shared_ancestry", COMMON, "They disagree. Behaviour speaks for shared ancestry"),
        ("independent_not_rejected", STRONG, "They disagree. .*cosine of matrices"),
        ("independent_not_rejected", COMMON, "Neither behaviour nor weights"),
        ("undecidable", STRONG, "Behaviour could not decide it"),
        (None, STRONG, "Behaviour could not decide it"),
    ],
)
def test_it_says_where_they_disagree(
    recording: Recording, library: Library, decision: Decision | None, measure: WeightMeasure, told: str
) -> None:
    found = () if decision is None else (DescentEvidence("smollm2", decision, "because", "logits"),)
    verdict = replace(verdict_of(recording, "attributed"), descent=found)
    given = WeightMeasures("smollm2", "shell", (measure,), "these are the same")
    material = Material(verdict, recording, library, Language.load("en"), MeasuredRates(), weights=given)
    view = weights.section(material)
    assert view is not None
    [sentence] = view.together
    assert re.search(told, sentence.striptags())
    assert "neither of these two models by name" in " ".join(view.notes)
    assert "these are the same" in " ".join(view.notes)


def test_a_file_is_read_whatever_else_it_holds(tmp_path: Path) -> None:
    measure = {"name": "x", "value": 0.5, "independent_reaching": 1, "independent_pairs": 30, "later": [1]}
    values = {"a": "one", "b": "two", "schema": 7, "measures": [measure, {"name": "y", "value": None}]}
    (tmp_path / "weights.json").write_text(json.dumps(values))
    found = WeightMeasures.load(tmp_path / "weights.json")
    assert [one.reading for one in found.measures] == ["speaks", "unmeasured"]
    assert found.in_words == ""


def test_what_kinprint_weights_writes_is_read_with_the_worse_of_its_rates(tmp_path: Path) -> None:
    few, many = ({"pairs": n, "reached": k, "upper": upper} for n, k, upper in ((90, 0, 0.03), (60, 55, 0.97)))
    reading = {"measure": "std_profile", "value": 0.93, "strangers": few, "strangers_of_one_shape": many}
    kin = {"pairs": 9, "reached": 3}
    other = {"measure": "cosine", "value": 0.9, "strangers": few, "descendants": kin}
    values = {"name_a": "one", "name_b": "two", "readings": [reading, other], "rates_made_by": "a run"}
    (tmp_path / "weights.json").write_text(json.dumps(values))
    found = WeightMeasures.load(tmp_path / "weights.json")
    assert (found.a, found.b, found.measures[0].source) == ("one", "two", "a run")
    assert [one.reading for one in found.measures] == ["tells_nothing", "speaks"]
    assert [(one.independent_reaching, one.independent_pairs) for one in found.measures] == [(55, 60), (0, 90)]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"a": "x", "b": "y", "measures": [{"name": "z", "value": "high"}]}'])
def test_another_file_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(KinprintError, match="no file of weight-based"):
        WeightMeasures.load(tmp_path / "x.json")
