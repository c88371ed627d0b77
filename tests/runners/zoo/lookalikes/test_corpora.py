"""Text for the zoo: pages read, blocks split once and for all, packages refused that are not the right ones."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from probes.errors import KinprintError
from runners.zoo.lookalikes import corpora


def test_a_page_is_read_without_its_navigation() -> None:
    page = """<html><head><title>no</title><script>no()</script></head><body>
    <ul class="docnav top"><li><a>Previous</a><img src="x"></li></ul>
    <h1>Chapter</h1><div class="para">One  <em>sentence</em>.</div><pre>apt update</pre></body></html>"""
    assert corpora.text_of_page(page) == "Chapter\nOne sentence.\napt update"


def test_training_and_held_out_blocks_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"{number:08d}" for number in range(200_000))
    monkeypatch.setattr(corpora, "source_text", lambda name: text)
    corpora.corpus.cache_clear()
    whole = corpora.corpus(("python",), 10**9)
    corpora.corpus.cache_clear()
    assert 0.03 < len(whole.held_out) / len(text) < 0.08
    assert len(whole.training) + len(whole.held_out) >= len(text)
    assert not {*whole.training.split("\n\n")} & {*whole.held_out.split("\n\n")}


def test_a_smaller_corpus_is_part_of_a_larger_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "source_text", lambda name: "".join(f"{number:08d}" for number in range(100_000)))
    corpora.corpus.cache_clear()
    small, large = (corpora.corpus(("python",), size) for size in (100_000, 400_000))
    corpora.corpus.cache_clear()
    assert {*small.training.split("\n\n")} < {*large.training.split("\n\n")}


def test_python_without_its_tests() -> None:
    text = corpora.source_text("python")
    assert "class ArgumentParser" in text
    assert "class TestArgumentParser" not in text


def test_an_unknown_corpus_lists_the_known() -> None:
    with pytest.raises(KinprintError, match="no corpus 'klingon'; known are python, reference-en"):
        corpora.source_text("klingon")


def test_a_package_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fake(command: list[str], cwd: Path, **_: Any) -> subprocess.CompletedProcess[str]:
        (cwd / corpora.REFERENCES["fr"].file_name).write_bytes(b"something else")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path))
    monkeypatch.setattr(corpora.subprocess, "run", fake)
    with pytest.raises(KinprintError, match="sha256"):
        corpora.source_text("reference-fr")
    assert not any((tmp_path / "corpora").iterdir())


def test_no_apt_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KinprintError, match="there is no apt-get here"):
        corpora.source_text("reference-de")
