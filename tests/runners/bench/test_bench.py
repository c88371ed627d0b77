"""Benchmarks: what holds is computed from the value, and what could not be measured does not hold."""

import json
import sys
from mmap import mmap
from pathlib import Path

import pytest

from runners.bench import capture
from runners.bench.capture import MODELS, TARGETS
from runners.bench.memory import peak_mb, resident_mb
from runners.bench.row import Row, Target, table, write
from runners.cli import main


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        ("<=", 1.15, True),
        ("<=", 1.16, False),
        (">=", 1.15, True),
        (">=", 1.14, False),
        ("<=", None, False),
        (">=", float("inf"), False),
        ("<=", float("nan"), False),
    ],
)
def test_what_holds_is_computed(tmp_path: Path, op: str, value: float | None, holds: bool) -> None:
    row = Row("a/b", value, Target("a", "ratio", op, 1.15))  # type: ignore[arg-type]
    write([row], tmp_path / "deep" / "x.json")
    (kept,) = json.loads((tmp_path / "deep" / "x.json").read_text("utf-8"))
    measured = value if value is not None and abs(value) < 100 else None
    target = {"op": op, "value": 1.15}
    assert kept == {"name": "a/b", "value": measured, "unit": "ratio", "target": target, "holds": holds}
    assert ("holds" in table([row])) is holds


def test_every_row_of_the_table_is_there_for_every_model_whatever_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that dies half-way leaves what it had measured; the rest are rows without a value."""
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\necho \'{{"help_seconds": 0.25}}\' > "$5"\n[ "$3" = {MODELS[0]} ]\n', "utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    assert main(["bench", "capture", "--out", str(tmp_path / "out")]) == 0
    rows = json.loads((tmp_path / "out" / "capture.json").read_text("utf-8"))
    assert [row["name"] for row in rows] == [f"{target.name}/{model}" for model in MODELS for target in TARGETS]
    assert [row["name"] for row in rows if row["holds"]] == [f"help_seconds/{model}" for model in MODELS]
    assert {row["value"] for row in rows} == {0.25, None}
    assert f"measuring {MODELS[1]} ended early" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "no benchmark 'nothing'; known are cases, capture, lineage"),
        (["capture", "gpt"], "not measured on 'gpt'; known are smollm2, qwen2.5-coder"),
        (["capture", "--fast"], "no option '--fast'"),
        (["--out", "x"], "name a benchmark"),
        (["capture", "--out"], "--out needs a folder"),
    ],
)
def test_mistakes_are_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *words]) == 2
    assert said in capsys.readouterr().err


def test_one_model_can_be_measured_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "_rows", lambda model: [Row(model, 1.0, TARGETS[0])])
    assert [row.name for row in capture.measure(["smollm2"])] == ["smollm2"]
    assert [row.name for row in capture.measure([])] == list(MODELS)


def test_the_peak_of_memory_is_seen_although_it_is_over() -> None:
    def touch() -> None:  # pages of its own: what the process had freed before would not be counted
        with mmap(-1, 100_000_000) as pages:
            for start in range(0, 100_000_000, 1_000_000):
                pages[start : start + 1_000_000] = bytes(1_000_000)

    before = resident_mb()
    assert 90 < peak_mb(touch) - before < 130
