"""`kinprint import format=jsonl`: every row comes in whole, or is named by line."""

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.signatures.first_tokens import first_tokens
from analysis.signatures.observation import Access, access_of, observe
from probes.suite import load_suite
from runners.cli import main
from tests.imports import GOOD, draws, imported, recording, rows_file


def test_one_recording_a_model_under_its_exact_name(tmp_path: Path) -> None:
    names = ["org/one", "a b", "..", "suite.jsonl", "größe:7b"]
    out = imported(tmp_path, *({**GOOD, "model": name} for name in names))
    assert sorted(recording(out, name).manifest.candidate for name in names) == sorted(names)
    assert {path.parent.parent for path in out.rglob("manifest.json")} == {out}
    assert (out / "org%2Fone").is_dir()


def test_the_suite_is_what_the_rows_imply(tmp_path: Path) -> None:
    rows = [{**GOOD, "canary_id": "c1"}, {**GOOD, "prompt": "Two"}, {**GOOD, "model": "other", "prompt": "Two"}]
    out = imported(tmp_path, *rows)
    one, two = recording(out, "other").suite.canaries
    assert (one.id, two.id) == ("c1", two.digest)
    assert [canary.text for canary in (one, two)] == ["Once", "Two"]
    assert {(canary.kind, canary.source) for canary in (one, two)} == {("imported", "rows.jsonl")}
    assert recording(out, "org/one").suite == recording(out, "other").suite
    assert load_suite(out / "suite.jsonl").sha256 == recording(out, "other").suite.sha256


def test_prompts_that_only_some_models_answered_are_kept_and_marked(tmp_path: Path) -> None:
    out = imported(tmp_path, GOOD, {**GOOD, "prompt": "Two"}, {**GOOD, "model": "other", "prompt": "Two"})
    marked = {canary.text: canary.why for canary in recording(out, "other").suite.canaries}
    assert marked == {"Once": "imported; answered by only 1 of 2 models", "Two": "imported"}
    assert recording(out, "other").manifest.access["prompts_answered"] == 1
    [some] = json.loads((out / "import.json").read_text())["prompts_of_some_models_only"]
    assert recording(out, "other").suite.by_id[some].text == "Once"


def test_repeated_rows_are_successive_draws_and_temperature_0_is_greedy(tmp_path: Path) -> None:
    texts = ["a", "b", "c"]
    out = imported(tmp_path, *({**GOOD, "text": text} for text in texts), {**GOOD, "text": "g", "temperature": 0})
    assert [row[1:3] for row in draws(recording(out, "org/one"))] == [(0, "g"), (1, "a"), (2, "b"), (3, "c")]


def test_given_draws_stay_and_the_others_fill_the_gaps(tmp_path: Path) -> None:
    rows = [
        {**GOOD, "text": "x"},
        {**GOOD, "text": "one", "draw": 1},
        {**GOOD, "text": "seven", "draw": 7},
        {**GOOD, "text": "y"},
    ]
    out = imported(tmp_path, *rows)
    assert [row[1:3] for row in draws(recording(out, "org/one"))] == [(1, "one"), (2, "x"), (3, "y"), (7, "seven")]


def test_a_sampled_answer_is_never_taken_for_the_greedy_one(tmp_path: Path) -> None:
    out = imported(tmp_path, *({**GOOD, "text": str(n), "draw": n, "temperature": 0.7} for n in range(3)))
    found = recording(out, "org/one")
    assert [row[1:3] for row in draws(found)] == [(1, "0"), (2, "1"), (3, "2")]
    assert found.greedy == {}
    assert found.manifest.sampling == {"temperatures": [0.7]}


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_blank_text_is_an_empty_answer(text: str, tmp_path: Path) -> None:
    out = imported(tmp_path, GOOD, {**GOOD, "prompt": "Two", "text": text})
    found = recording(out, "org/one")
    assert [row[2:] for row in draws(found)] == [("upon a time", "ok"), (text, "empty")]
    assert found.manifest.counts["empty"] == 1


BAD: list[tuple[Any, str]] = [
    ("{", "not JSON"),
    (b"\xff\xfe", "not UTF-8"),
    ("[1]", "not a JSON object"),
    ("[" * 100_000, "not JSON"),
    ({key: value for key, value in GOOD.items() if key != "model"}, "'model' must be text"),
    ({**GOOD, "model": " "}, "'model' is blank"),
    ({**GOOD, "model": "m" * 300}, "longer than a folder"),
    ({**GOOD, "prompt": ""}, "'prompt' is blank"),
    ({**GOOD, "text": None}, "'text' must be text"),
    ({**GOOD, "text": 5}, "'text' must be text"),
    ({**GOOD, "text": "\ud800"}, "Unicode"),
    ({**GOOD, "draw": -1}, "'draw'"),
    ({**GOOD, "draw": 1.5}, "'draw'"),
    ({**GOOD, "draw": True}, "'draw'"),
    ({**GOOD, "draw": 2**40}, "'draw'"),
    ({**GOOD, "draw": 3}, "repeats draw 3 of line 2"),
    ({**GOOD, "temperature": -0.1}, "'temperature'"),
    ({**GOOD, "temperature": "hot"}, "'temperature'"),
    ({**GOOD, "canary_id": " "}, "'canary_id' is blank"),
    ({**GOOD, "canary_id": "first", "prompt": "Other"}, "second prompt"),
    ({**GOOD, "canary_id": "second"}, "second canary_id"),
    ({**GOOD, "logprobs": "none"}, "'logprobs' must be a list"),
    ({**GOOD, "logprobs": [1]}, "'token' and 'logprob'"),
    ({**GOOD, "logprobs": [{"token": "a", "logprob": float("nan")}]}, "logprob must be a number"),
    ({**GOOD, "logprobs": [{"token": "a", "logprob": 0.5}]}, "up to 0"),
    ({**GOOD, "logprobs": [{"logprob": -0.5}]}, "'token' must be text"),
    ({**GOOD, "logprobs": [{"token": t, "logprob": -0.1} for t in "abc"]}, "sum to 2.71"),
]


@pytest.mark.parametrize(("bad", "why"), BAD, ids=[why for _, why in BAD])
def test_a_bad_row_is_named_by_line_and_fails_the_import(
    bad: Any, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = {**GOOD, "canary_id": "first"}
    source = rows_file(tmp_path, first, {**GOOD, "draw": 3}, bad, {**GOOD, "text": "after"})
    assert main(["import", f"source={source}", "format=jsonl", f"out={tmp_path / 'deep' / 'out'}"]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("kinprint: 1 bad row in ")
    assert "line 3 " in said
    assert why in said
    assert list(tmp_path.iterdir()) == [source]
    out = imported(tmp_path, first, {**GOOD, "draw": 3}, bad, {**GOOD, "text": "after"}, skip=True)
    summary = json.loads((out / "import.json").read_text())
    assert (summary["bad_rows"], summary["bad"][0]["where"]) == (1, "line 3")
    assert [row[1:3] for row in draws(recording(out, "org/one"))] == [
        (1, "upon a time"),
        (2, "after"),
        (3, "upon a time"),
    ]


LIST = [{"token": " up", "logprob": -0.2}, {"token": "y", "logprob": -1.9}]
OPENAI = {
    "content": [
        {"token": " up", "logprob": -0.2, "top_logprobs": LIST},
        {"token": "on", "logprob": -1, "top_logprobs": []},
    ]
}
LEGACY = {"tokens": [" up"], "top_logprobs": [{"y": -1.9, " up": -0.2}]}


@pytest.mark.parametrize("given", [LIST, LIST[::-1], OPENAI, OPENAI["content"], LEGACY])
@pytest.mark.parametrize("temperature", [0, None])
def test_logprobs_become_the_top_k_of_the_first_token(given: Any, temperature: float | None, tmp_path: Path) -> None:
    out = imported(tmp_path, {**GOOD, "logprobs": given, "temperature": temperature}, {**GOOD, "prompt": "Two"})
    found = recording(out, "org/one")
    assert found.manifest.tier == "topk"
    assert access_of(found) == Access("topk", 2)
    assert found.answers[0].topk_bytes == (b" up", b"y")
    assert found.answers[0].topk_logprobs == pytest.approx((-0.2, -1.9))
    first = first_tokens(found)
    assert first is not None
    assert [first.spelled[number] for number in first.ids[0]] == [b" up", b"y"]
    assert observe(found).texts == (("upon a time",), ("upon a time",))


def test_without_logprobs_the_tier_is_text(tmp_path: Path) -> None:
    assert recording(imported(tmp_path, {**GOOD, "logprobs": None}), "org/one").manifest.tier == "text"
