"""`kinprint import format=first_word_counts`: counts become draws."""

from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from runners.cli import main
from runners.imports import write
from tests.imports import counts_folder, draws, imported, recording


def test_first_word_counts_become_draws(tmp_path: Path) -> None:
    source = counts_folder(
        tmp_path, **{"org one 4.1": {"Once": {"upon": 3, "there": 1, "": 2, "never": 0}}, "b": {"Two": {"x": 1}}}
    )
    out = imported(tmp_path, form="first_word_counts", source=source)
    found = recording(out, "org one 4.1")
    assert (
        sorted((text or "", status) for *_, text, status in draws(found))
        == [("", "empty")] * 2 + [("there", "ok")] + [("upon", "ok")] * 3
    )
    assert [row[1] for row in draws(found)] == [1, 2, 3, 4, 5, 6]
    assert found.manifest.counts["ok"] == 4
    assert len(found.suite) == 2
    assert found.suite.canaries[0].source == "counts"


def test_many_counted_draws_are_shuffled_and_span_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_ROWS", 100)
    prompts = {f"prompt {n}": {"a": 70, "b": 30} for n in range(5)}
    out = imported(tmp_path, form="first_word_counts", source=counts_folder(tmp_path, m=prompts))
    found = recording(out, "m")
    assert parquet.ParquetFile(found.folder / "answers.parquet").num_row_groups == 5
    for texts in found.draw_texts.values():
        assert (texts.count("a"), texts.count("b")) == (70, 30)
        assert 0 < texts[:30].count("b") < 30
    assert [answer.draw for answer in found.answers] == [*range(1, 101)] * 5


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"Once": {"a": 1}\n', "bad.json line 2 is not JSON"),
        ("[]", "not an object of prompts"),
        ('{"Once": {"a": 1}, "Once": {"a": 1}}', "stands twice"),
        ({"Once": {}}, "has no object of words"),
        ({"Once": [1]}, "has no object of words"),
        ({"Once": {"a": -1}}, "word 'a' a count must be"),
        ({"Once": {"a": 0.5}}, "a count must be"),
        ({"Once": {"a": True}}, "a count must be"),
        ({" ": {"a": 1}}, "'prompt' is blank"),
    ],
)
def test_bad_counts_are_named_by_file_and_prompt(
    content: Any, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = counts_folder(tmp_path, bad=content, good={"Two": {"x": 1}})
    assert main(["import", f"source={source}", "format=first_word_counts", f"out={tmp_path / 'out'}"]) == 2
    said = capsys.readouterr().err
    assert "bad.json" in said
    assert why in said
    assert not (tmp_path / "out").exists()
    recording(imported(tmp_path, form="first_word_counts", source=source, skip=True), "good")
