"""Libraries are merged, signed, published and pulled, and what a stranger wrote is not believed."""

import json
import shutil
from pathlib import Path

import pytest
from datasets import Dataset

from analysis.libraries.library import ZOO, Library, save_index
from probes.errors import KinprintError
from probes.recording import folder_name
from runners.cli import main
from runners.signing_key import new_key


def made(folder: Path, names: tuple[str, ...], version: str) -> Path:
    """A library of a few members of the zoo."""
    zoo = Library.load(ZOO)
    shutil.copytree(ZOO / "suites", folder / "suites")
    for name in names:
        shutil.copytree(ZOO / folder_name(name), folder / folder_name(name))
    save_index(folder, version, [member for member in zoo.members if member.name in names])
    return folder


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    return made(tmp_path / "a", ("smollm2", "gemma3"), "a-1"), made(tmp_path / "b", ("gemma3", "gemma3-w8"), "b-1")


@pytest.fixture
def signed(tmp_path: Path, two: tuple[Path, Path]) -> tuple[Path, Path]:
    """A signed library, and the public key."""
    public = new_key(tmp_path / "key")
    assert main(["library", "sign", f"path={two[0]}", f"key={tmp_path / 'key'}"]) == 0
    return two[0], public


def test_merging_holds_every_member_once_and_says_from_where(
    two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "both"
    words = ["library", "merge", *map(str, two), f"out={out}"]
    assert main([*words, "version=both-1"]) == 0
    merged = Library.load(out)
    assert [member.name for member in merged.members] == ["smollm2", "gemma3", "gemma3-w8"]
    assert json.loads((out / "library.json").read_text("utf-8"))["merged_from"] == ["a-1", "b-1"]
    assert main([*words, "version=both-2"]) == 2
    assert "already" in capsys.readouterr().err


def test_two_members_of_one_name_are_not_merged(
    two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = two[1] / "library.json"
    index.write_text(index.read_text("utf-8").replace('"family": "gemma3"', '"family": "other"'), "utf-8")
    assert main(["library", "merge", *map(str, two), f"out={tmp_path / 'both'}", "version=both-1"]) == 2
    assert "different members named 'gemma3'" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()


@pytest.mark.parametrize("form", ["folder", "datasets"])
def test_what_was_published_is_pulled_with_its_signature(signed: tuple[Path, Path], tmp_path: Path, form: str) -> None:
    library, public = signed
    (library / "search").mkdir()
    (library / "search" / "search.json").write_text("{}", "utf-8")  # made from the rest, so it stays behind
    assert main(["library", "publish", f"path={library}", f"out={tmp_path / 'p'}", f"form={form}"]) == 0
    assert main(["library", "pull", f"source={tmp_path / 'p'}", f"out={tmp_path / 'q'}", f"key={public}"]) == 0
    assert main(["library", "verify", f"path={tmp_path / 'q'}", f"key={public}"]) == 0
    assert not (tmp_path / "q" / "search").exists()
    assert Library.load(tmp_path / "q").members == Library.load(library).members


def test_a_library_that_was_changed_does_not_stand(
    signed: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    library, public = signed
    index = library / "library.json"
    whole = index.read_text("utf-8")
    index.write_text(whole.replace('"licence": "Apache-2.0"', '"licence": "MIT"'), "utf-8")
    assert main(["library", "verify", f"path={library}", f"key={public}"]) == 1
    assert "was changed since" in capsys.readouterr().out
    index.write_text(whole, "utf-8")
    assert main(["library", "verify", f"path={library}"]) == 0
    (library / "envelope.json").unlink()
    assert main(["library", "verify", f"path={library}"]) == 1


def test_another_key_is_told(signed: tuple[Path, Path], tmp_path: Path) -> None:
    other = new_key(tmp_path / "other")
    assert main(["library", "verify", f"path={signed[0]}", f"key={other}"]) == 1
    words = ["library", "pull", f"source={signed[0]}", f"out={tmp_path / 'q'}", f"key={other}"]
    assert main(words) == 2
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize(
    ("path", "content"), [("../outside", b"x"), ("/outside", b"x"), ("a/b/c", b"x"), ("suites/..", b"x"), ("new", b"x")]
)
def test_a_hostile_data_set_writes_nothing(
    two: tuple[Path, Path], tmp_path: Path, path: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    assert main(["library", "publish", f"path={two[0]}", f"out={source}", "form=datasets"]) == 0
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    row = {"path": path, "sha256": digest, "content": content}
    Dataset.from_list([row]).to_parquet(source / "data" / "train-00001-of-00002.parquet")
    before = {one for one in tmp_path.rglob("*") if "source" not in one.parts}
    assert main(["library", "pull", f"source={source}", f"out={tmp_path / 'q'}"]) == 2
    assert "kinprint: " in capsys.readouterr().err
    assert {one for one in tmp_path.rglob("*") if "source" not in one.parts} == before


def test_a_link_is_not_followed(two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = two[0] / "smollm2" / "answers.parquet"
    answers.rename(tmp_path / "elsewhere")
    answers.symlink_to(tmp_path / "elsewhere")
    assert main(["library", "pull", f"source={two[0]}", f"out={tmp_path / 'q'}"]) == 2
    assert "is a link" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["merge", "a", "out=x", "version=y"], "two libraries"),
        (["index"], "say path="),
        (["publish", "path=x", "out=y", "colour=red"], "no setting 'colour'"),
        (["pull", "source=./none", "out=./never"], "neither a library"),
        (["paint"], "known are build"),
    ],
)
def test_bad_words_get_one_sentence(words: list[str], said: str) -> None:
    from runners.library.command import main as library

    with pytest.raises(KinprintError, match=said):
        library(words)
