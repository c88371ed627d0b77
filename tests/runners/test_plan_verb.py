"""`kinprint plan`: tables on standard output, words on standard error, a file, and the status."""

import json
from pathlib import Path

import pytest

from runners.cli import main
from runners.jobs import plan
from runners.settings import PlanSettings
from tests.made_up_trainings import CANARIES, write_trainings


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("library")
    write_trainings(folder, 6)
    return ["library=folder", f"library.path={folder}", "suite=file", f"suite.path={folder / 's0' / 'suite.jsonl'}"]


def test_a_test_that_can_decide(place: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["tier=logits", "budget=16", "goal=descent", "parent=s0", f"out={tmp_path / 'plan'}"]
    assert main(["plan", *place, *words]) == 0
    out, err = capsys.readouterr()
    lines = [line.split("\t") for line in out.splitlines()]
    assert [line[0] for line in lines] == ["parent", "s0", "budget", "8", "16", "32"]
    assert lines[1][:4] == ["s0", "plan", "yes", "5"]
    assert "kinprint: at 16 canaries (16 queries, about " in err
    saved = json.loads((tmp_path / "plan" / "plan.json").read_text("utf-8"))
    assert (saved["goal"], saved["tier"], saved["budget"], saved["possible"]) == ("descent", "logits", 16, True)
    assert [one["budget"] for one in saved["chances"]] == [8, 16, 32]
    assert [path.name for path in (tmp_path / "plan").iterdir()] == ["plan.json"]


def test_a_test_that_cannot_decide(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *place, "tier=text", "goal=descent", "parent=[s0,alone]"]) == 3
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split("\t")[2] == "no"
    assert "no budget makes this decidable" in err
    assert "tier=chosen would, with this library" in err


def test_a_family_verdict(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Of two families one has a single model, so that nothing can be learned when the other is left out."""
    assert main(["plan", *place, "canaries=8"]) in (0, 3)
    out, _ = capsys.readouterr()
    assert out.splitlines()[0].startswith("budget\tqueries\t")
    assert [line.split("\t")[1] for line in out.splitlines()[1:]] == ["8", "16", "32"]


def test_a_test_for_descent_takes_the_library_that_descent_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[PlanSettings] = []

    def keep(settings: PlanSettings, begin: object) -> None:
        seen.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(plan, "run", keep)
    for words in (["goal=descent"], ["goal=descent", "library=shipped"], ["goal=family"]):
        assert main(["plan", *words]) == 130
    assert [one.library.path for one in seen] == ["shipped:zoo", None, None]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("budget=0", f"from 1 to {CANARIES}"),
        ("budget=1000", f"from 1 to {CANARIES}"),
        ("goal=proof", "goal is family or descent"),
        ("parent=s0", "parent goes with goal=descent"),
        ("alpha=0.7", "alpha must lie between"),
        ("suite=chat", "asked the suite 'chat'"),
        ("suite.path=nowhere.jsonl", "nowhere.jsonl"),
        ("estimator.attributed_at=0.2", "attributed_at"),
    ],
)
def test_mistakes_are_one_sentence(place: list[str], capsys: pytest.CaptureFixture[str], wrong: str, said: str) -> None:
    arguments = [one for one in place if not (wrong == "suite=chat" and one.startswith("suite"))]
    assert main(["plan", *arguments, wrong]) == 2
    err = capsys.readouterr().err.splitlines()
    assert said in err[-1]
    assert [line for line in err if "done, 0 failed" not in line] == err[-1:]
