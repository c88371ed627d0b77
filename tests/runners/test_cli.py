"""Bad input to the command line: one clear sentence on stderr, exit status 2, nothing left behind."""

import json
import shutil
from pathlib import Path

import pytest

from runners.cli import main
from runners.verbs import VERBS

DATA = Path(__file__).parent.parent / "data"
RECORDING = DATA / "recordings" / "smollm2"


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command; check that it fails as a mistake of the user's should, and return its sentence."""
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if not line.startswith("kinprint: starting")]
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("kinprint: ")
    assert "Traceback" not in captured.err
    assert captured.out == ""
    return lines[0]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0not a header....")
    return folder


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["frobnicate"], "no verb"),
        (["collect", "colour=red"], "colour"),
        (["collect", "tier=psychic", "out=x"], "psychic"),
        (["collect", "candidate.model=gone", "seed=many", "out=x"], "seed"),
        (["collect", "candidate.model=./gone", "out=x"], "./gone"),
        (["collect", "candidate.model=/nowhere/at=all (really)", "out=x"], "/nowhere/at=all (really)"),
        (["collect", "candidate.model=zoo:unicorn", "out=x"], "unicorn"),
        (["collect", "candidate.model=./gone", "suite=file", "suite.path=none.jsonl", "out=x"], "none.jsonl"),
        (["collect", "out=x"], "model"),
        (["collect", "seed=[x", "candidate.model=./gone", "out=x"], "[x"),
        (["collect", "backend._target_=os.system", "candidate.model=./gone", "out=x"], "os.system"),
        (["attribute"], "recording"),
        (["attribute", "recording=./none"], "no recording at none"),
        (["attribute", f"recording={RECORDING}", "library=folder", "library.path=./none"], "no library at"),
        (["attribute", f"recording={RECORDING}", "leave_out.families=[unicorn]"], "unicorn"),
        (["attribute", f"recording={RECORDING}", "leave_out.families=[smollm2,gemma3,qwen2.5]"], "no references"),
        (["attribute", f"recording={RECORDING}", "estimator.channels=[telepathy]"], "telepathy"),
        (["attribute", f"recording={RECORDING}", "estimator.attributed_at=0.2"], "attributed_at"),
        (["library", "rebuild"], "known are build"),
        (["library", "build", "out=x", "only=[unicorn]"], "unicorn"),
        (["ls", "./none"], "no library at"),
        (["zoo", "fetch", "unicorn"], "unicorn"),
    ],
)  # fmt: skip
def test_mistakes(
    arguments: list[str],
    word: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert word in fails(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_unreadable_weights(model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "model.safetensors" in fails(capsys, "collect", f"candidate.model={model}", f"out={out}")
    assert not out.exists()


@pytest.mark.parametrize(
    ("lines", "word"),
    [([], "no canaries"), ([0, 0], "id"), (["{"], "line 1")],
)
def test_bad_suites(
    lines: list[int | str], word: str, model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    canary = {"id": "a", "kind": "prose", "text": "Once", "messages": None, "max_tokens": 8, "draws": 1}
    row = json.dumps({**canary, "why": "w", "source": "s"})
    suite = tmp_path / "my suite=1.jsonl"
    suite.write_text("\n".join(row if line == 0 else str(line) for line in lines))
    arguments = [f"candidate.model={model}", "suite=file", f"suite.path={suite}", f"out={tmp_path / 'out'}"]
    assert word in fails(capsys, "collect", *arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["manifest.json", "answers.parquet", "suite.jsonl"])
@pytest.mark.parametrize("damage", ["gone", "truncated", "changed"])
def test_damaged_recordings(name: str, damage: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "a recording=1"
    shutil.copytree(RECORDING, folder)
    content = (folder / name).read_bytes()
    if damage == "gone":
        (folder / name).unlink()
    elif damage == "truncated":
        (folder / name).write_bytes(content[: len(content) // 2])
    else:
        (folder / name).write_bytes(content.replace(b"e", b"f", 1))
    sentence = fails(capsys, "attribute", f"recording={folder}", f"out={tmp_path / 'out'}")
    assert "recording" in sentence
    assert not (tmp_path / "out").exists()


def test_a_suite_that_the_library_was_not_recorded_with(capsys: pytest.CaptureFixture[str]) -> None:
    other = DATA / "recordings" / "other-suite"
    assert "was not recorded with" in fails(capsys, "attribute", f"recording={other}")


def test_an_out_that_holds_something_else_is_refused(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kept = tmp_path / "out" / "letters.txt"
    kept.parent.mkdir()
    kept.write_text("dear")
    fails(capsys, "collect", "candidate.model=some/model", f"out={kept.parent}")
    assert kept.read_text() == "dear"


@pytest.mark.parametrize("verb", [*VERBS, "--help"])
def test_help_has_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [verb] if verb == "--help" else [verb, "--help"]
    try:
        status = main(arguments)
    except SystemExit as exit_:  # argparse leaves this way
        status = int(exit_.code or 0)
    assert status == 0
    printed = capsys.readouterr().out
    assert "kinprint" in printed
    assert verb == "--help" or "example" in printed.lower()
