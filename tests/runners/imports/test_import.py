"""`kinprint import`: all or nothing, and never over something else."""

from pathlib import Path

import pytest

from runners.cli import main
from tests.imports import GOOD, imported, rows_file


def test_bad_rows_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = rows_file(tmp_path, *["{"] * 25, GOOD)
    assert main(["import", f"source={source}", "format=jsonl", f"out={tmp_path / 'out'}"]) == 2
    assert "25 bad rows" in (said := capsys.readouterr().err)
    assert "and 15 more" in said


def test_nothing_but_bad_rows_is_no_import(tmp_path: Path) -> None:
    source = rows_file(tmp_path, "{")
    assert main(["import", f"source={source}", "format=jsonl", f"out={tmp_path / 'out'}", "on_error=skip"]) == 2
    assert not (tmp_path / "out").exists()


def test_an_out_that_holds_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "out" / "letters.txt"
    kept.parent.mkdir()
    kept.write_text("dear")
    source = rows_file(tmp_path, GOOD)
    assert main(["import", f"source={source}", "format=jsonl", f"out={kept.parent}"]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert list(kept.parent.iterdir()) == [kept]
    assert main(["import", f"source={source}", "format=jsonl", f"out={kept}"]) == 2
    assert kept.read_text() == "dear"


def test_the_same_import_again_changes_nothing_and_another_is_refused(tmp_path: Path) -> None:
    out = imported(tmp_path, GOOD)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    imported(tmp_path, GOOD)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    source = rows_file(tmp_path, {**GOOD, "text": "changed"})
    assert main(["import", f"source={source}", "format=jsonl", f"out={out}"]) == 2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["source=none.jsonl", "format=jsonl", "out=x"], "none.jsonl"),
        (["source=.", "format=first_word_counts", "out=x"], "no .json files"),
        (["source=none", "format=telepathy", "out=x"], "telepathy"),
        (["source=none", "format=jsonl", "out=x", "on_error=pray"], "pray"),
        (["format=jsonl", "out=x"], "source"),
    ],
)
def test_mistakes(
    arguments: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["import", *arguments]) == 2
    assert word in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
