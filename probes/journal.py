"""The append-only journal of a recording in the making: a run that is killed loses no answer that was stored.

Two files in the recording's folder: `journal.jsonl` (a header, then one answer a line) and, where full logits
are captured, `journal.logits` (raw rows, written before the line that counts on them).
"""

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from probes.answer import Answer
from probes.errors import RecordingError

LINES = "journal.jsonl"
ROWS = "journal.logits"
_BYTES = ("token_bytes", "topk_bytes")
_TUPLES = ("token_ids", "topk_ids", "topk_logprobs", "prompt_logprobs")


class Journal:
    """Answers as they come in. Use it as a context manager; what it already holds is in `answers`.

    `header` names the run (candidate, suite, tier, sampling, ...): a journal of another run is refused with a
    RecordingError, so that answers of two runs never mix. Logits rows are kept as `dtype` ("float16", "float32").
    `seconds` is the time that earlier runs spent asking. `terms` is what the first run agreed with the endpoint, where
    that had to be found out: it holds for all that follow.
    """

    def __init__(self, folder: Path, header: dict[str, Any], vocab_size: int = 0, dtype: str = "float32") -> None:
        self.folder = folder
        self.header = header
        self.vocab_size = vocab_size
        self.dtype = np.dtype(dtype)
        self.answers: dict[tuple[str, int], Answer] = {}
        self.rows: dict[str, int] = {}
        self.seconds = 0.0
        self.terms: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        self.created = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        length = self._read()
        self._rows = open(self.folder / ROWS, "ab")
        self._rows.truncate(len(self.rows) * self._row_bytes)
        self._lines = open(self.folder / LINES, "ab")
        self._lines.truncate(length)
        if length == 0:
            self._write_line({"header": self.header})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        self._lines.close()
        if kind is not None and not self.answers:
            delete_journal(self.folder)
            for folder in self.created:
                folder.rmdir()

    @property
    def _row_bytes(self) -> int:
        return self.vocab_size * self.dtype.itemsize

    def add(self, answer: Answer, logits: npt.NDArray[np.floating[Any]] | None = None, seconds: float = 0.0) -> None:
        """Store one answer, the logits [vocab_size] of its first token where captured, the seconds spent so far."""
        line: dict[str, Any] = {"answer": encode(answer), "seconds": round(seconds, 3)}
        if logits is not None:
            self._rows.write(np.ascontiguousarray(logits, dtype=self.dtype).tobytes())
            self._rows.flush()
            line["row"] = self.rows[answer.canary_id] = len(self.rows)
        self._write_line(line)
        self.answers[answer.key] = answer

    def agree(self, terms: dict[str, Any]) -> None:
        """Store what was agreed with the endpoint, once, before the first answer."""
        self._write_line({"terms": terms})
        self.terms = terms

    def logits(self, canary_ids: Iterable[str]) -> npt.NDArray[np.floating[Any]]:
        """The captured rows [n_canaries, vocab_size] in the order asked for (memory-mapped, then gathered)."""
        stored = np.memmap(self.folder / ROWS, self.dtype, "r").reshape(-1, self.vocab_size)
        return np.asarray(stored[[self.rows[canary_id] for canary_id in canary_ids]])

    def _write_line(self, line: dict[str, Any]) -> None:
        # in ASCII: half a surrogate pair, which some servers return, has no UTF-8
        self._lines.write(json.dumps(line).encode() + b"\n")
        self._lines.flush()

    def _read(self) -> int:
        """Read what an earlier run stored; returns how many bytes of the lines are whole and used."""
        path = self.folder / LINES
        if not path.exists():
            return 0
        rows_on_disk = os.path.getsize(self.folder / ROWS) // self._row_bytes if self._row_bytes else 0
        length = 0
        for raw in path.read_bytes().splitlines(keepends=True):
            if not raw.endswith(b"\n"):
                break  # the line that was being written when the run was killed
            line = _parse(raw, path)
            if length == 0 and line.get("header") != self.header:
                raise RecordingError(
                    f"{self.folder} holds an unfinished recording of something else; "
                    "choose another 'out' or delete that folder"
                )
            if "row" in line and line["row"] >= rows_on_disk:
                break
            self.terms = line.get("terms", self.terms)
            if "answer" in line:
                answer: Answer = line["answer"]
                self.answers[answer.key] = answer
                self.seconds = line["seconds"]
                if "row" in line:
                    self.rows[answer.canary_id] = line["row"]
            length += len(raw)
        return length


def _parse(raw: bytes, path: Path) -> dict[str, Any]:
    """One line of the journal, its answer decoded. Raises RecordingError if it is none."""
    try:
        line: dict[str, Any] = json.loads(raw)
        if "answer" in line:
            line["answer"], line["seconds"] = decode(line["answer"]), float(line["seconds"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordingError(f"{path} is damaged; delete {path.parent} and collect again") from error
    if not isinstance(line, dict):
        raise RecordingError(f"{path} is damaged; delete {path.parent} and collect again")
    return line


def delete_journal(folder: Path) -> None:
    """Remove a journal's files, once the recording has been written (or nothing was ever stored)."""
    for name in (LINES, ROWS):
        (folder / name).unlink(missing_ok=True)


def encode(answer: Answer) -> dict[str, Any]:
    """An answer as plain JSON: bytes in base64, keys without a value left out."""
    values = {key: value for key, value in asdict(answer).items() if value is not None}
    for key in _BYTES:
        if key in values:
            values[key] = [base64.b64encode(token).decode() for token in values[key]]
    return values


def decode(values: dict[str, Any]) -> Answer:
    """The inverse of `encode`."""
    values = dict(values)
    for key in _BYTES:
        if key in values:
            values[key] = tuple(base64.b64decode(token) for token in values[key])
    for key in _TUPLES:
        if key in values:
            values[key] = tuple(values[key])
    return Answer(**values)
