"""`kinprint evaluate`: from a folder of recordings and a CSV to one JSON file."""

import json
from pathlib import Path
from typing import Any

import pytest

from runners.cli import main
from tests.imports import imported
from tests.word_models import WordLibrary, word_library


@pytest.fixture(scope="module")
def library() -> WordLibrary:
    return word_library([3, 3, 2, 1], canaries=40)


@pytest.fixture(scope="module")
def recordings(library: WordLibrary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {"model": name, "prompt": f"Say {number}", "text": f"word{word}", "temperature": 0}
        for name, words in zip(library.lineage, library.words.tolist(), strict=True)
        for number, word in enumerate(words)
    ]
    return imported(tmp_path_factory.mktemp("library"), *rows)


def lineage_file(folder: Path, library: WordLibrary, *more: str) -> Path:
    path = folder / "lineage.csv"
    lines = [f"{one.name},{one.family},," for one in library.lineage.values()]
    path.write_text("\n".join(["name,family,parent,same_weights_as", *lines, *more]) + "\n")
    return path


def evaluated(folder: Path, recordings: Path, lineage: Path, *arguments: str) -> dict[str, Any]:
    out = folder / "deep" / "evaluation.json"
    given = [f"recordings={recordings}", f"lineage={lineage}", f"out={out}", *arguments]
    assert main(["evaluate", *given]) == 0
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_an_imported_library_is_evaluated(
    recordings: Path, library: WordLibrary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluated(tmp_path, recordings, lineage_file(tmp_path, library), "budgets=[4,16,64,all]", "seeds=3")
    assert list(found["budgets"]) == ["4", "16", "64", "all"]
    assert found["budgets"]["all"]["random"] == found["budgets"]["all"]["chosen"] == found["budgets"]["64"]["random"]
    assert found["budgets"]["all"]["random"]["n"] == 8
    assert (found["open_set"]["n_known"], found["open_set"]["n_unknown"]) == (8, 9)
    assert any("budget 64 was clipped to the 40" in warning for warning in found["warnings"])
    assert found["about"]["channels"] == ["first_word"]
    assert "leaving out models" in capsys.readouterr().err


def test_names_that_are_missing_on_either_side_are_named(
    recordings: Path, library: WordLibrary, tmp_path: Path
) -> None:
    lines = lineage_file(tmp_path, library, "ghost,family-0,,phantom").read_text().splitlines()
    path = tmp_path / "other.csv"
    path.write_text("\n".join(line for line in lines if not line.startswith("model-1-0")))
    warnings = evaluated(tmp_path, recordings, path, "budgets=[all]", "seeds=1")["warnings"]
    assert "model-1-0 has a recording and no line of lineage; it is left out" in warnings
    assert "ghost has a line of lineage and no recording" in warnings
    assert any("phantom" in warning for warning in warnings)


def test_the_same_evaluation_again_gives_the_same_figures(
    recordings: Path, library: WordLibrary, tmp_path: Path
) -> None:
    lineage = lineage_file(tmp_path, library)
    first = evaluated(tmp_path, recordings, lineage, "budgets=[8]", "seeds=2")
    assert evaluated(tmp_path, recordings, lineage, "budgets=[8]", "seeds=2") == first


def test_a_candidate_is_attributed_with_an_imported_library(
    recordings: Path, library: WordLibrary, tmp_path: Path
) -> None:
    lineage = lineage_file(tmp_path, library)
    given = [f"recording={recordings / 'model-1-0'}", "library=folder", f"library.path={recordings}"]
    given += [f"library.lineage={lineage}", "leave_out.names=[model-1-0]", f"out={tmp_path / 'out'}"]
    assert main(["attribute", *given, "estimator.channels=[first_word]"]) == 0
    posterior = json.loads((tmp_path / "out" / "verdict.json").read_text())["posterior"]
    assert max(posterior, key=posterior.get) == "family-1"


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("recordings=none", "no recordings in none"),
        ("lineage=none.csv", "none.csv"),
        ("budgets=[0]", "budget"),
        ("budgets=[many]", "many"),
        ("budgets=[]", "budgets is empty"),
        ("seeds=0", "seeds"),
        ("channels=[telepathy]", "telepathy"),
        ("channels=[tokenizer]", "feed none of the channels tokenizer"),
        ("unknown_prior=1", "unknown_prior"),
        ("regularisation=0", "regularisation"),
        ("jobs=0", "jobs"),
        ("out=.", "is a folder"),
    ],
)
def test_mistakes(
    argument: str, word: str, recordings: Path, library: WordLibrary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "evaluation.json"
    given = [f"recordings={recordings}", f"lineage={lineage_file(tmp_path, library)}", f"out={out}", argument]
    assert main(["evaluate", *given]) == 2
    assert word in capsys.readouterr().err.splitlines()[-1]
    assert not out.exists()
