"""An accusation played through without an engine: made-up answers, judged, sealed, checked, and not asked for twice."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.accusation import WeightsFound
from analysis.libraries.library import Library
from probes.recording import Recording
from runners.cases import accusations
from runners.cli import main
from tests.recordings import make_up, write_recording

APART = WeightsFound("apart", True, 0.974, 50, 85, {"cosine": 0.0})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everybody answers as one of the first family; who was made ready and who was asked, in that order."""
    names: list[str] = []

    def ask(name: str, model: Any, settings: Any, folder: Path, made_by: dict[str, str]) -> Recording:
        names.append(name)
        return write_recording(folder, make_up(0, 9), name=name)

    def weigh(model: str, other: str, folder: Path) -> WeightsFound | None:
        assert (model, other) == ("zoo:borrowed-3", "zoo:ash-base")
        return None

    monkeypatch.setattr(accusations, "make_ready", lambda models: names.extend(f"ready: {one}" for one in models))
    monkeypatch.setattr(accusations, "ask", ask)
    monkeypatch.setattr(accusations, "weigh", weigh)
    return names


def overrides(library: Library, out: Path) -> list[str]:
    suspect = "small.suspects.borrowed"
    where = ["library=folder", f"library.path={library.folder}", f"out={out}", f"{suspect}.parent=ash-base"]
    return ["case", "experiment=yi_llama", "scale=small", *where, f"{suspect}.family=ash"]


def test_a_suspect_is_judged_sealed_and_not_asked_twice(
    made_up_library: Library, tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = overrides(made_up_library, tmp_path)
    assert main(words) == 0
    row = capsys.readouterr().out.splitlines()[-1].split("\t")
    assert row[:4] == ["borrowed", "ash-base", "no_accusation", "ash"]
    assert row[5:9] == ["undecidable", "-", "-", "yes"], "twelve made-up models are too few innocents"
    folder = tmp_path / "borrowed"
    assert {path.name for path in folder.iterdir()} >= {"evidence.kinprint.zip", "report.html", "outcome.json"}
    assert main(["verify", str(folder / "evidence.kinprint.zip"), f"key={tmp_path / 'case.key.pub'}"]) == 0
    assert main(words) == 0
    assert asked == ["ready: zoo:borrowed-3", "borrowed"]
    kept = json.loads((tmp_path / "case.json").read_text("utf-8"))
    assert (kept["right"], kept["outcomes"][0]["conclusion"]) == (True, "no_accusation")


def test_what_is_found_says_every_rung_by_itself() -> None:
    from analysis.verdict import Calibration, Verdict

    verdict = Verdict(
        "x", "logits", "s", "unknown", None, {"a": 0.1, "unknown": 0.9}, 1, 1, 1, Calibration("", 0), "", "", 8
    )
    found = accusations.findings(replace(verdict, tokenizer={"fits": ["a", "b"]}), APART, 0.7)
    assert (found.tokenizers, found.likeliest, found.p, found.descent) == (("a", "b"), "unknown", 0.9, None)
    assert (found.weights, found.apart, found.conclusion) == (APART, 0.7, "no_accusation")
