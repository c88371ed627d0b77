"""`kinprint explain`: a table that a spreadsheet reads, also where there is no library to compare with."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.attribution.explanation import HEADINGS
from analysis.libraries.library import SHIPPED
from analysis.tokenizers.fit import known_counts, known_tokenizers
from probes.answer import Answer
from probes.recording import save_recording
from probes.suite import load_suite
from runners.cli import main
from tests.recordings import manifest


def table(out: str) -> list[dict[str, str]]:
    header, *rows = [line.split("\t") for line in out.splitlines()]
    assert tuple(header) == HEADINGS
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_channels_and_canaries_by_their_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", f"recording={SHIPPED / 'smollm2-int4'}", "leave_out.names=[smollm2-int4]"]) == 0
    said = capsys.readouterr()
    rows = table(said.out)
    assert "smollm2 family" in said.err
    assert {row["what"] for row in rows} == {"channel", "kind", "canary", "shown", "left_out"}
    assert sum(row["what"] == "canary" for row in rows) == len(load_suite("core"))
    assert all(float(row["decibans"]) > 0 for row in rows if row["what"] == "channel")


def test_a_channel_that_is_switched_off_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    off = ["estimator.switched_off=[rivals,wording]", "leave_out.names=[smollm2-int4]"]
    assert main(["explain", f"recording={SHIPPED / 'smollm2-int4'}", *off]) == 0
    rows = table(capsys.readouterr().out)
    assert {row["name"] for row in rows if row["about"] == "it was switched off"} == {"rivals", "wording"}
    assert not [row for row in rows if row["name"].startswith("rivals") and row["what"] == "shown"]


def test_the_tokenizer_suite_is_explained_without_a_reference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = load_suite("tokenizer")
    place = list(known_tokenizers()).index("llama3")
    answers = [
        Answer(c.id, 0, "ok", text="x", prompt_tokens=int(known_counts()[c.digest][place]) + 5) for c in suite.canaries
    ]
    save_recording(tmp_path / "r", replace(manifest(suite), tier="text"), suite, answers, {})
    assert main(["explain", f"recording={tmp_path / 'r'}"]) == 0
    said = capsys.readouterr()
    assert "only what the recording shows by itself" in said.err
    shown = {row["name"]: row["value"] for row in table(said.out)}
    assert shown == {"tokenizer_fit: cuts like llama3": "1", "tokenizer_fit: cuts like llama3_1": "1"}


def test_a_recording_that_shows_nothing_fails_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = load_suite("tokenizer")
    answers = [Answer(c.id, 0, "ok", text="x") for c in suite.canaries]
    save_recording(tmp_path / "r", replace(manifest(suite), tier="text"), suite, answers, {})
    assert main(["explain", f"recording={tmp_path / 'r'}"]) == 2
    assert "was not recorded with the canaries" in capsys.readouterr().err
