"""`kinprint report`: one file, with descent, growth and weights where they are asked for, in either language."""

import json
from pathlib import Path

import pytest

from runners.cli import main
from tests.made_up_zoo import write_zoo
from tests.recordings import make_up, write_recording


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    write_zoo(made / "zoo", size=16)
    write_recording(made / "candidate", make_up(0, 50, size=16), name="candidate")
    measure = {"name": "cosine", "value": 0.99, "independent_reaching": 0, "independent_pairs": 40}
    (made / "weights.json").write_text(json.dumps({"a": "candidate", "b": "sun", "measures": [measure]}), "utf-8")
    return made


def arguments(folder: Path, *others: str) -> list[str]:
    zoo = folder / "zoo"
    places = ["library=folder", f"library.path={zoo}", "library@controls=folder", f"controls.path={zoo}"]
    return ["report", f"recording={folder / 'candidate'}", *places, f"out={folder / 'report.html'}", *others]


def test_all_of_it_in_chinese(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["parents=[sun]", f"weights={folder / 'weights.json'}", "report.language=zh"]
    assert main(arguments(folder, *asked)) == 0
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"
    page = (folder / "report.html").read_text("utf-8")
    assert '<html lang="zh-Hans">' in page
    for section in ("ladder", "queries", "descent", "weights", "check"):
        assert f'id="{section}-title"' in page
    assert "无法判定 <bdi>candidate</bdi> 是否与 <bdi>sun</bdi> 共用权重" in page
    assert "kinprint attribute recording=RECORDING &#39;parents=[sun]&#39;" in page


@pytest.mark.parametrize("wrong", ["report.language=fr", "weights=nowhere.json", "parents=[nobody]", "alpha=0.7"])
def test_mistakes_are_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str], wrong: str) -> None:
    others = ["parents=[sun]"] if wrong.startswith("alpha") else []
    assert main(arguments(folder, *others, wrong)) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
