"""The benchmark of the cases: its rows, its page, and a status that says whether every verdict is right."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis.accusation import Findings, WeightsFound
from runners.bench import cases
from runners.cases.outcome import Outcome, kept_outcome, save_all
from runners.cli import main

WEIGHTS = WeightsFound("apart", True, 0.974, 50, 85, {"cosine": 0.001})
FOUND = Findings(("smollm2",), "unknown", None, "unknown", 0.97, "independent_not_rejected", 0.02, 0.5, None, WEIGHTS)


def outcome(missed: tuple[str, ...] = ()) -> Outcome:
    return Outcome(
        "borrowed", "zoo:borrowed-3", "smollm2", "no_accusation", FOUND, missed, 297, 90.0, 120.0, {"a": [1]}
    )


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs of a case that leave the outcomes given, and end with a status."""
    monkeypatch.chdir(tmp_path)

    def leave(outcomes: list[Outcome], status: int = 0) -> None:
        def run(command: list[str], **given: object) -> SimpleNamespace:
            name = next(word for word in command if word.startswith("experiment=")).removeprefix("experiment=")
            save_all(outcomes, name, tmp_path / "outputs" / "case" / f"{name}-small" / "case.json")
            return SimpleNamespace(returncode=status)

        monkeypatch.setattr(cases.subprocess, "run", run)

    return leave


def test_a_right_verdict_is_a_row_that_holds(played, tmp_path: Path) -> None:
    played([outcome()])
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- yi_llama: begin -->\nold\n<!-- yi_llama: end -->\nafter\n", "utf-8")
    assert main(["bench", "cases", "yi_llama", "--docs", str(page)]) == 0
    row, minutes, cpu = json.loads((tmp_path / "outputs" / "bench" / "cases.json").read_text("utf-8"))
    assert row["name"] == "right/yi_llama/borrowed"
    assert (row["case"], row["expected"], row["verdict"]) == ("yi_llama", "no_accusation", "no_accusation")
    assert row["right"] is True
    assert (row["queries"], row["seconds"], row["cpu_seconds"]) == (297, 90.0, 120.0)
    assert (minutes["value"], minutes["target"], cpu["value"]) == (1.5, {"op": "<=", "value": 30}, 2.0)
    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| the accuser's `std_profile` | 0.974; 50 of 85 pairs of strangers reach it |" in text
    assert "| **conclusion** | **no accusation** |" in text


def test_a_wrong_verdict_makes_the_status_1(played, capsys: pytest.CaptureFixture[str]) -> None:
    played([outcome(("descends instead of no_accusation",)), outcome()])
    assert main(["bench", "cases", "yi_llama"]) == 1
    assert "MISSED" in capsys.readouterr().out


def test_a_case_that_could_not_be_played_is_a_row_that_does_not_hold(played, capsys) -> None:
    played([], status=2)
    assert main(["bench", "cases", "yi_llama"]) == 1
    assert "not taken" in capsys.readouterr().out


def test_the_name_of_no_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "cases", "enron"]) == 2
    assert "there is no case 'enron'" in capsys.readouterr().err


def test_an_outcome_is_kept_only_for_the_settings_that_it_was_found_with(tmp_path: Path) -> None:
    outcome().save(tmp_path)
    assert kept_outcome(tmp_path, {"a": (1,)}) == outcome()
    assert kept_outcome(tmp_path, {"a": (2,)}) is None
    assert kept_outcome(tmp_path / "elsewhere", {"a": (1,)}) is None
