"""The terminal's table: the verdict first, hostile names as plain text, the same in a pipe."""

import io
import re

import pytest
from rich.console import Console

from analysis.report.terminal import show_verdict
from analysis.report.words import DECISIONS
from analysis.verdict import Decision
from probes.recording import Recording
from tests.analysis.report.samples import HOSTILE, verdict_of


@pytest.mark.parametrize("decision", DECISIONS)
def test_in_a_pipe_it_is_plain_text_of_100_columns(
    decision: Decision, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict_of(recording, decision).show()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == DECISIONS[decision]
    assert "shell<script>" in lines[2]
    assert max(len(line) for line in lines) <= 100
    text = "\n".join(lines)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", text)
    assert "[bold]⟨U+202E⟩evil⟨U+0000⟩" in text
    for told in ("12 queries, 240 tokens, 1 min 16 s", "provisional: logistic regression", "no usable answer"):
        assert told in text


def test_posterior_and_evidence_are_in_it(recording: Recording, capsys: pytest.CaptureFixture[str]) -> None:
    show_verdict(verdict_of(recording, "attributed"))
    text = capsys.readouterr().out
    assert re.search(r"smollm2 +█{30} +over 99\.9%", text)
    assert re.search(r"next_token +\+31\.5 +█{30}", text)
    assert re.search(r"code +-5\.5", text)
    telling = re.findall(r"^ \w+-\d{3} ", text, re.MULTILINE)
    assert len(telling) == 10
    assert re.search(r"prose-000 +prose +\+9\.00", text)


def test_a_terminal_that_knows_ascii_only_is_served_too(recording: Recording) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=file, width=80, highlight=False)
    show_verdict(verdict_of(recording, "attributed"), console)
    file.seek(0)
    text = file.read()
    assert "#" * 30 in text
    assert HOSTILE.partition("\u202e")[0] in text.replace("\n", "")


def test_a_console_of_ones_own_gets_colour(recording: Recording) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=120)
    show_verdict(verdict_of(recording, "unknown"), console)
    assert "\x1b[" in console.file.getvalue()  # type: ignore[attr-defined]
