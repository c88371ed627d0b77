"""`kinprint descent`, and the same test beside an attribution: what is printed, saved and shown."""

import json
from pathlib import Path

import pytest

from runners.cli import main
from tests.made_up_zoo import write_zoo
from tests.recordings import make_up, write_recording


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("descent")
    write_zoo(made / "zoo", size=16)
    write_recording(made / "candidate", make_up(0, 50, size=16), name="<b>candidate</b>\x1b[31m")
    return made


def test_a_line_for_each_parent_a_sentence_and_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["library=folder", f"library.path={folder / 'zoo'}"]
    status = main(["descent", f"recording={folder / 'candidate'}", "parent=[sun,tide-0]", *place, f"out={folder}"])
    out, err = capsys.readouterr()
    assert status == 0
    assert [line.split("\t")[:2] for line in out.splitlines()[1:]] == [
        ["sun", "undecidable"],
        ["tide-0", "undecidable"],
    ]
    assert "0 independent trainings with the vocabulary of tide-0" in err
    assert "\x1b" not in err
    saved = json.loads((folder / "descent.json").read_text("utf-8"))
    assert [one["parent"] for one in saved["descent"]] == ["sun", "tide-0"]
    assert saved["descent"][0]["p_value"] is None


@pytest.mark.parametrize("wrong", ["parent=nobody", "parent=[]", "alpha=0.7"])
def test_mistakes_are_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str], wrong: str) -> None:
    words = {"recording": folder / "candidate", "parent": "sun", "library": "folder", "library.path": folder / "zoo"}
    arguments = [f"{key}={value}" for key, value in words.items()]
    assert main(["descent", *arguments, wrong]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_attribution_can_hold_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zoo = folder / "zoo"
    places = ["library=folder", f"library.path={zoo}", "library@controls=folder", f"controls.path={zoo}"]
    out = folder / "verdict"
    arguments = [f"recording={folder / 'candidate'}", *places, "parents=[sun]", f"out={out}", "report=true"]
    assert main(["attribute", *arguments]) == 0
    assert "descends from sun can't be decided" in " ".join(capsys.readouterr().out.split())
    [found] = json.loads((out / "verdict.json").read_text("utf-8"))["descent"]
    assert (found["parent"], found["decision"]) == ("sun", "undecidable")
    page = (out / "report.html").read_text("utf-8")
    assert "Shared weights with a named parent" in page
    assert "<b>candidate" not in page
