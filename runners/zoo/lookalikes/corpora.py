"""Real text to train on: documentation from Debian's packages, in several languages, and Python's standard library.

Packages come through apt as the user configured it and are checked by hash; they are unpacked as data and never
installed. A corpus is split once into training and held-out blocks, by the hash of each block.
"""

import gzip
import hashlib
import os
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from probes.errors import KinprintError
from runners.zoo.cache import cache_directory
from runners.zoo.packages import sha256_of

BLOCK_CHARACTERS = 4096
_HELD_OUT_ONE_IN = 20


@dataclass(frozen=True)
class DebianPackage:
    """One package of Debian 12: its name, version and the sha256 of the .deb file."""

    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """As apt names it."""
        return f"{self.name}_{self.version}_all.deb"


HANDBOOK = DebianPackage(
    "debian-handbook", "11.20220922", "3d5dbeac1f1afc9c094eab9d0f701f6ecff99c4927d5a4794cf6c85678134faa"
)
_REFERENCES = {
    "en": "9f31d3a17df505de09689ca255512ea58c1fc47c59bb1b0c7bf1c23362e9743f",
    "fr": "01424cba9bfa2e13166da22d3d692d33a22ec7d8ef935ec81fd8802746087f65",
    "de": "3b0ce65fd63e75ddf8eb07ca36293425135080e690a07e06a6ac8bc8040ef0aa",
    "es": "a59b68c96f83d3cf29a476c847aee38364764603ea62eee592791e0a843a269e",
    "it": "7894062a5e9203a57ec6cb8d6a47d5ffb58c41dc004766522f1b4d78b2a8e0c6",
    "pt": "c9c5d30a8608485bad60f7bd7ce6c755af4a129c2b30511ee733b90ac17e7dfa",
}
REFERENCES = {code: DebianPackage(f"debian-reference-{code}", "2.100", sha) for code, sha in _REFERENCES.items()}
_HANDBOOKS = {"en": "en-US", "fr": "fr-FR", "de": "de-DE", "es": "es-ES", "it": "it-IT", "nl": "nl-NL", "nb": "nb-NO"}
_UNTAUGHT = {"test", "tests", "idle_test", "lib2to3", "site-packages", "dist-packages", "__pycache__"}


@dataclass(frozen=True)
class Corpus:
    """Text in two parts that share no block: what is trained on, and what is measured on."""

    training: str
    held_out: str


@cache
def corpus(names: tuple[str, ...], most_characters: int) -> Corpus:
    """A mix of named sources (`python`, `reference-fr`, `handbook-it`, ...) in equal shares of characters.

    Blocks are taken from each source in an order of their hashes, so a smaller corpus is part of a larger one, and any
    stretch of it is a mix of the sources.
    Raises KinprintError for an unknown name, and where a package can't be had.
    """
    share = most_characters // len(names)
    blocks = sorted((block for name in names for block in _ordered_blocks(name, share)), key=_digest)
    training = [block for block in blocks if not _is_held_out(block)]
    held_out = [block for block in blocks if _is_held_out(block)]
    return Corpus("\n\n".join(training), "\n\n".join(held_out))


def _ordered_blocks(name: str, most_characters: int) -> list[str]:
    text = source_text(name)
    blocks = [text[start : start + BLOCK_CHARACTERS] for start in range(0, len(text), BLOCK_CHARACTERS)]
    return sorted(blocks, key=_digest)[: max(1, most_characters // BLOCK_CHARACTERS)]


def _digest(block: str) -> str:
    return hashlib.sha256(block.encode()).hexdigest()


def _is_held_out(block: str) -> bool:
    return int(_digest(block)[-8:], 16) % _HELD_OUT_ONE_IN == 0  # the order looks at the other end of the hash


@cache
def source_text(name: str) -> str:
    """The whole text of one source."""
    kind, _, language = name.partition("-")
    if kind == "python" and not language:
        return "\n\n".join(_python_files())
    if kind == "reference" and language in REFERENCES:
        folder = _unpacked(REFERENCES[language])
        found = folder / f"usr/share/debian-reference/debian-reference.{language}.txt.gz"
        return gzip.decompress(found.read_bytes()).decode("utf-8")
    if kind == "handbook" and language in _HANDBOOKS:
        pages = _unpacked(HANDBOOK) / "usr/share/doc/debian-handbook/html" / _HANDBOOKS[language]
        return "\n\n".join(text_of_page(page.read_text("utf-8")) for page in sorted(pages.glob("*.html")))
    known = ["python", *(f"reference-{code}" for code in REFERENCES), *(f"handbook-{code}" for code in _HANDBOOKS)]
    raise KinprintError(f"there is no corpus {name!r}; known are {', '.join(known)}")


def _python_files() -> Iterator[str]:
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*.py")):
        if not _UNTAUGHT & set(path.relative_to(library).parts):
            yield path.read_text("utf-8", errors="replace")


def _unpacked(package: DebianPackage) -> Path:
    """The folder with a package's files, brought first where it isn't there yet."""
    folder = cache_directory() / "corpora" / f"{package.name}-{package.version}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as landing:
        _run(["apt-get", "download", "--quiet", f"{package.name}={package.version}"], Path(landing), package)
        deb = Path(landing) / package.file_name
        if not deb.is_file() or sha256_of(deb) != package.sha256:
            raise KinprintError(
                f"apt did not bring {package.file_name} with the sha256 {package.sha256}; the corpora of the zoo are "
                "made from Debian 12's packages: run on Debian 12, or with its package lists"
            )
        unpacked = Path(landing) / "unpacked"
        _run(["dpkg-deb", "--extract", str(deb), str(unpacked)], Path(landing), package)
        os.replace(unpacked, folder)
    return folder


def _run(command: list[str], folder: Path, package: DebianPackage) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise KinprintError(f"{package.name} can't be had: there is no {command[0]} here; run on Debian 12") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise KinprintError(f"{package.name} can't be had: {command[0]} says {said!r}; run 'apt-get update', try again")


class _Prose(HTMLParser):
    """Collects what a page says; navigation, scripts and styles are left out."""

    _PARTS = ("p", "div", "li", "dt", "dd", "pre", "h1", "h2", "h3", "h4", "td", "tr")

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = dict(attrs)
        if self._silent or tag in ("script", "style", "head") or "docnav" in (shown.get("class") or ""):
            self._silent += tag not in ("img", "br", "hr", "meta", "link", "input")
        elif tag in self._PARTS:
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(data)


def text_of_page(page: str) -> str:
    """The text of an HTML page, a line for every paragraph or item."""
    reader = _Prose()
    reader.feed(page)
    lines = (" ".join(line.split()) for line in "".join(reader.said).splitlines())
    return "\n".join(line for line in lines if line)
