"""First-word counts: a folder of `NAME.json`, each `{prompt: {first word: count}}`; NAME is the model, exactly."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from probes.errors import KinprintError
from runners.imports.row import BadRow, Row


def read(source: Path) -> Iterator[Row | BadRow]:
    """Every word of every prompt of every file, a file at a time. Raises KinprintError if there is none."""
    paths = sorted(source.glob("*.json")) if source.is_dir() else []
    if not paths:
        raise KinprintError(
            f"there are no .json files in {source}; format=first_word_counts reads a folder of NAME.json"
        )
    for path in paths:
        yield from _model(path)


def _model(path: Path) -> Iterator[Row | BadRow]:
    try:
        prompts = json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        yield BadRow(f"{path.name} line {error.lineno}", f"is not JSON ({error.msg})")
        return
    except (UnicodeDecodeError, ValueError, RecursionError):
        yield BadRow(path.name, "is not JSON in UTF-8")
        return
    if not isinstance(prompts, _Pairs):
        yield BadRow(path.name, "is not an object of prompts")
        return
    seen: set[str] = set()
    for prompt, words in prompts:
        where = f"{path.name} prompt {_short(prompt)}"
        if prompt in seen:
            yield BadRow(where, "stands twice in the file")
        elif not isinstance(words, _Pairs) or not words:
            yield BadRow(where, "has no object of words and counts")
        else:
            yield from _words(where, path.stem, prompt, words)
        seen.add(prompt)


def _words(where: str, model: str, prompt: str, words: "_Pairs") -> Iterator[Row | BadRow]:
    for word, count in words:
        if count == 0 and isinstance(count, int) and not isinstance(count, bool):
            continue
        try:
            yield Row(where=where, model=model, prompt=prompt, text=word, count=count)
        except ValueError as error:
            yield BadRow(f"{where} word {_short(word)}", str(error))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys as they stand: a dict would drop one that stands twice."""


def _short(text: str) -> str:
    return ascii(text if len(text) <= 40 else f"{text[:37]}...")
