"""`kinprint weights` and `kinprint bench weights`, from the command line to their files."""

import json
from pathlib import Path

import pytest

from analysis.weights.evidence import WeightEvidence
from analysis.weights.innocent_pairs import PairsFile
from analysis.weights.measures import MEASURES
from analysis.weights.words import COLUMNS
from runners.bench import weights as bench_weights
from runners.bench.command import main as bench
from runners.cli import main
from runners.compose import settings_of
from runners.library.settings import LibraryBuildSettings
from tests.tiny_weights import noisy, random_model, save_model


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models under names of the zoo: three seeds of a plan, and a descendant of the first."""
    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path / "cache"))
    for seed in range(3):
        save_model(tmp_path / "zoo" / f"manuals-{seed}", random_model(seed))
    save_model(tmp_path / "zoo" / "manuals-0-light", noisy(random_model(0), 0.1))
    save_model(tmp_path / "zoo" / "unheard-of", random_model(9))
    return tmp_path / "zoo"


def test_the_rates_are_measured_once_and_used(
    zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = settings_of("zoo", LibraryBuildSettings, ["zoo=manuals"])  # the whole zoo takes seconds to compose
    monkeypatch.setattr(bench_weights, "settings_of", lambda *_: part)
    pairs, page = tmp_path / "pairs.json", tmp_path / "weights.md"
    page.write_text("Before.\n<!-- rates: begin --><!-- rates: end -->\nAfter.\n", "utf-8")
    command = ["weights", str(zoo), "--out", str(tmp_path / "out"), "--pairs", str(pairs), "--docs", str(page)]
    assert bench(command) == 0
    assert "unheard-of is no member of the zoo" in capsys.readouterr().err
    measured = PairsFile.load(pairs)
    assert [pair.relation for pair in measured.pairs].count("descendant") == 1
    assert len(measured.pairs) == 3 + 1 + 2  # seeds; the descendant and its parent; the descendant and strangers
    assert "| `std_profile` |" in page.read_text("utf-8")
    assert str(tmp_path) not in pairs.read_text("utf-8") + page.read_text("utf-8")
    rows = {row["name"]: row for row in json.loads((tmp_path / "out" / "weights.json").read_text("utf-8"))}
    assert rows["reach_0.927/one_shape/std_profile"]["value"] == 1.0
    assert rows["descendants_beyond_all/qk_circuits"]["value"] == 1.0

    first = pairs.read_text("utf-8")
    forged = json.loads(first)
    forged["pairs"][0][-1] = 0.1234
    pairs.write_text(json.dumps(forged), "utf-8")
    assert bench(command) == 0
    assert PairsFile.load(pairs).pairs[0].values[MEASURES[-1].name] == 0.1234  # it is not measured again

    pairs.write_text(first, "utf-8")
    places = [f"a={zoo / 'manuals-1'}", f"b={zoo / 'manuals-2'}", f"pairs={pairs}", f"out={tmp_path / 'evidence'}"]
    capsys.readouterr()
    assert main(["weights", *places]) == 0
    said, table, facts = capsys.readouterr().out.split("\n\n")
    assert "no sign of shared weights" in said
    assert table.splitlines()[0].split("\t") == list(COLUMNS)
    assert len(table.splitlines()) == 1 + len(MEASURES)
    assert "manuals-1 (llama, 4 layers, hidden size 32, 400 tokens known, 5 tensors not compared)" in facts
    kept = json.loads((tmp_path / "evidence" / "weights.json").read_text("utf-8"))
    assert WeightEvidence.from_json(kept).reading("std_profile").value == pytest.approx(1.0, abs=0.01)


def test_the_package_has_rates_of_its_own() -> None:
    shipped = PairsFile.load()
    assert {pair.relation for pair in shipped.pairs} == {"independent", "descendant"}
    assert all(pair.values.keys() == {measure.name for measure in MEASURES} for pair in shipped.pairs)
    assert all("/" not in member.name for member in shipped.members)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a=nowhere", "b=nowhere"], "there is no model at nowhere"),
        (["a=zoo:unicorn", "b=x"], "unicorn"),
        (["a={zoo}/manuals-0", "b={zoo}/manuals-1", "pairs=none.json"], "none.json is no file of measured pairs"),
        (["a={zoo}/manuals-0", "b={zoo}/manuals-1", "out={zoo}/manuals-0/config.json"], "is a file"),
    ],
)
def test_mistakes_end_in_one_sentence(
    zoo: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["weights", *(one.format(zoo=zoo) for one in arguments)]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
