"""Rows kept on disk while a foreign file is read, so that memory does not grow with the file (SQLite, one file)."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runners.imports.row import Row

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
CREATE TABLE models (number INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE prompts (number INTEGER PRIMARY KEY, text TEXT, canary_id TEXT);
CREATE TABLE answers (
    number INTEGER PRIMARY KEY, model INTEGER, prompt INTEGER, draw INTEGER, temperature REAL, text TEXT, topk TEXT,
    times INTEGER, place TEXT
);
CREATE UNIQUE INDEX by_draw ON answers (model, prompt, draw);
"""  # a draw that is NULL is never equal to another, so only draws that were given must be unique


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, its id where one was given, how many models answered it and the most draws that one of them gave."""

    text: str
    canary_id: str | None
    models: int
    draws: int


class Spill:
    """Rows by model and prompt. A context manager; the file is deleted at its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._models: dict[str, int] = {}
        self._prompts: dict[bytes, int] = {}
        self._ids: dict[str, int] = {}  # canary id -> prompt
        self._named: dict[int, str] = {}  # prompt -> canary id

    def __enter__(self) -> Self:
        self._base = sqlite3.connect(self.path)
        self._base.executescript(_SCHEMA)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()
        self.path.unlink()

    def add(self, row: Row) -> None:
        """Keep a row. Raises ValueError if it contradicts an earlier one."""
        prompt = self._prompts.get(_key(row.prompt))
        if row.canary_id is not None:
            self._check_id(row.canary_id, prompt)
        model = self._models.setdefault(row.model, len(self._models))
        if prompt is None:
            prompt = self._prompts[_key(row.prompt)] = len(self._prompts)
            self._base.execute("INSERT INTO prompts VALUES (?, ?, NULL)", (prompt, row.prompt))
        topk = None if row.topk is None else json.dumps([(token.hex(), nats) for token, nats in row.topk])
        values = (model, prompt, row.draw, row.temperature, row.text, topk, row.count, row.where)
        done = self._base.execute("INSERT OR IGNORE INTO answers VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        if not done.rowcount:
            found = "SELECT place FROM answers WHERE model = ? AND prompt = ? AND draw = ?"
            [(first,)] = self._base.execute(found, values[:3])
            raise ValueError(f"repeats draw {row.draw} of {first}")
        if row.canary_id is not None:
            self._ids[row.canary_id], self._named[prompt] = prompt, row.canary_id

    def _check_id(self, canary_id: str, prompt: int | None) -> None:
        if self._ids.get(canary_id, prompt) != prompt:
            raise ValueError(f"gives the canary_id {canary_id!r} to a second prompt")
        if prompt is not None and self._named.get(prompt, canary_id) != canary_id:
            raise ValueError(f"gives a second canary_id, {canary_id!r}, to a prompt that has {self._named[prompt]!r}")

    @property
    def models(self) -> list[str]:
        """The models with at least one row, in order of appearance."""
        used = {number for (number,) in self._base.execute("SELECT DISTINCT model FROM answers")}
        return [name for name, number in self._models.items() if number in used]

    def prompts(self) -> list[Prompt]:
        """All prompts, in order of appearance; a prompt's place in this list is its number in `answers`."""
        query = """
            SELECT text, number, COUNT(*), MAX(draws) FROM prompts
            JOIN (SELECT prompt, SUM(times) AS draws FROM answers GROUP BY prompt, model) ON prompt = number
            GROUP BY number ORDER BY number"""
        rows = self._base.execute(query)
        return [Prompt(text, self._named.get(number), models, draws) for text, number, models, draws in rows]

    def answers(self, model: str) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
        """For every prompt that the model answered: its number and the rows (draw, temperature, text, topk, times)."""
        query = (
            "SELECT prompt, draw, temperature, text, topk, times FROM answers WHERE model = ? ORDER BY prompt, number"
        )
        for prompt, rows in groupby(self._base.execute(query, (self._models[model],)), key=lambda row: row[0]):
            yield prompt, [row[1:] for row in rows]


def _key(prompt: str) -> bytes:
    return hashlib.sha256(prompt.encode()).digest()[:16]
