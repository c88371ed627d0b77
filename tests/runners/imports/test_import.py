"""`kinprint import` through the command line: what comes in is what was answered, or nothing comes in."""

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.observation import access_of
from analysis.signature import signature
from probes.recording import Recording, folder_name, load_recording
from probes.suite import load_suite
from runners.cli import main


def rows(*changes: dict[str, Any]) -> str:
    """JSONL with one row a change."""
    row = {"model": "lab/one", "prompt": "Once upon", "text": " a time"}
    return "".join(json.dumps(row | change) + "\n" for change in changes)


def imported(tmp_path: Path, text: str, *more: str) -> Path:
    source = tmp_path / "their answers.jsonl"
    source.write_text(text, "utf-8")
    out = tmp_path / "out"
    assert main(["import", f"source={source}", "format=jsonl", f"out={out}", *more]) == 0
    return out


def of(out: Path, model: str) -> Recording:
    return load_recording(out / folder_name(model))


def test_one_recording_a_model_under_its_exact_name(tmp_path: Path) -> None:
    out = imported(tmp_path, rows({}, {"model": "lab/two", "text": " a hill"}))
    assert of(out, "lab/one").manifest.candidate == "lab/one"
    assert [answer.text for answer in of(out, "lab/two").answers] == [" a hill"]
    assert [canary.text for canary in load_suite(out / "suite.jsonl").canaries] == ["Once upon"]


def test_repeated_rows_are_successive_draws_and_temperature_0_is_greedy(tmp_path: Path) -> None:
    cold = {"temperature": 0, "text": " cold"}
    out = imported(tmp_path, rows({"text": "a"}, cold, {"text": "b"}, {"text": "c", "draw": 7}))
    answers = {answer.draw: answer.text for answer in of(out, "lab/one").answers}
    assert answers == {0: " cold", 1: "a", 2: "b", 7: "c"}


def test_blank_text_is_an_empty_answer_and_no_bad_row(tmp_path: Path) -> None:
    [answer] = of(imported(tmp_path, rows({"text": "  "})), "lab/one").answers
    assert answer.status == "empty"


def test_prompts_that_only_some_models_answered_are_kept_and_marked(tmp_path: Path) -> None:
    out = imported(tmp_path, rows({}, {"prompt": "Only one"}, {"model": "lab/two"}))
    summary = json.loads((out / "import.json").read_text())
    suite = load_suite(out / "suite.jsonl")
    [marked] = summary["prompts_of_some_models_only"]
    assert suite.by_id[marked].text == "Only one"
    assert len(suite) == 2


def test_logprobs_become_the_top_k_of_the_first_token(tmp_path: Path) -> None:
    top = [{"token": " a", "logprob": -0.1}, {"token": " the", "logprob": -2.5}]
    recording = of(imported(tmp_path, rows({"logprobs": top})), "lab/one")
    assert recording.manifest.tier == "topk"
    assert access_of(recording).top_k == 2
    assert signature(recording).channels["next_token"]["missing"][0] == pytest.approx(1 - 0.9048 - 0.0821, abs=1e-3)


BAD = [
    "not json",
    "[1]",
    json.dumps({"model": "m", "prompt": "p"}),
    json.dumps({"model": "", "prompt": "p", "text": "t"}),
    json.dumps({"model": "m", "prompt": 5, "text": "t"}),
    json.dumps({"model": "m", "prompt": "p", "text": "t", "draw": -1}),
    json.dumps({"model": "m", "prompt": "p", "text": "t", "temperature": "hot"}),
    '{"model": "m", "prompt": "p", "text": "\\ud800"}',
]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_row_is_named_by_its_line_and_nothing_is_imported(
    bad: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "out"
    source.write_text(rows({}) + bad + "\n")
    assert main(["import", f"source={source}", "format=jsonl", f"out={out}"]) == 2
    said = capsys.readouterr().err
    assert "line 2" in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_bad_rows_can_be_left_out(tmp_path: Path) -> None:
    out = imported(tmp_path, rows({}) + "\n".join(BAD) + "\n", "on_error=skip")
    summary = json.loads((out / "import.json").read_text())
    assert summary["bad_rows"] == len(BAD)
    assert summary["models"] == ["lab/one"]


def test_an_out_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "out" / "letter.txt"
    kept.parent.mkdir()
    kept.write_text("dear")
    source = tmp_path / "a.jsonl"
    source.write_text(rows({}))
    assert main(["import", f"source={source}", "format=jsonl", f"out={kept.parent}"]) == 2
    assert kept.read_text() == "dear"


def test_first_word_counts(tmp_path: Path) -> None:
    source, out = tmp_path / "counts", tmp_path / "out"
    source.mkdir()
    (source / "model a.json").write_text(json.dumps({"Pick a colour:": {"blue": 3, "red": 1}, "Say hi": {"hi": 2}}))
    (source / "b.json").write_text(json.dumps({"Pick a colour:": {"green": 1000}}))
    assert main(["import", f"source={source}", "format=first_word_counts", f"out={out}"]) == 0
    one = of(out, "model a")
    colours = sorted(a.text or "" for a in one.answers if one.suite.by_id[a.canary_id].text == "Pick a colour:")
    assert colours == ["blue", "blue", "blue", "red"]
    assert len(of(out, "b").answers) == 1000
