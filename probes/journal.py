"""The append-only journal of a recording in the making: a run that is killed loses no answer that was stored.

Files in the recording's folder: `journal.jsonl` (a header, then one answer a line) and, where full logits or those of
chosen tokens are captured, `journal.logits` and `journal.positions` (raw rows, written before the line that counts on
them).
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from probes.answer import Answer
from probes.errors import RecordingError
from probes.journal_rows import RowFile

LINES = "journal.jsonl"
ROWS, POSITION_ROWS = "journal.logits", "journal.positions"
_BYTES = ("token_bytes", "topk_bytes", "prompt_token_bytes")
_TUPLES = ("token_ids", "topk_ids", "topk_logprobs", "prompt_logprobs")


class Journal:
    """Answers as they come in. Use it as a context manager; what it already holds is in `answers`.

    `header` names the run (candidate, suite, tier, sampling, ...): a journal of another run is refused with a
    RecordingError, so that answers of two runs never mix. Rows of logits [vocab_size], and of chosen tokens' logits
    [n_chosen], are kept as `dtype` ("float16", "float32"); `rows` and `positions` say which belong to which canary.
    `seconds` is the time that earlier runs spent asking. `terms` is what the first run agreed with the endpoint, where
    that had to be found out: it holds for all that follow.
    """

    def __init__(
        self, folder: Path, header: dict[str, Any], vocab_size: int = 0, dtype: str = "float32", n_chosen: int = 0
    ) -> None:
        self.folder = folder
        self.header = header
        self._rows = RowFile(folder / ROWS, vocab_size, dtype)
        self._position_rows = RowFile(folder / POSITION_ROWS, n_chosen, dtype)
        self.answers: dict[tuple[str, int], Answer] = {}
        self.rows: dict[str, int] = {}
        self.positions: dict[str, range] = {}
        self.seconds = 0.0
        self.terms: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        self.created = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        length = self._read()
        self._rows.open(1 + max(self.rows.values(), default=-1))
        self._position_rows.open(max((rows.stop for rows in self.positions.values()), default=0))
        self._lines = open(self.folder / LINES, "ab")
        self._lines.truncate(length)
        if length == 0:
            self._write_line({"header": self.header})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        self._position_rows.close()
        self._lines.close()
        if kind is not None and not self.answers:
            delete_journal(self.folder)
            for folder in self.created:
                folder.rmdir()

    def add(
        self,
        answer: Answer,
        logits: npt.NDArray[np.floating[Any]] | None = None,
        seconds: float = 0.0,
        positions: npt.NDArray[np.floating[Any]] | None = None,
    ) -> None:
        """Store one answer, the seconds spent so far, and where captured the logits [vocab_size] of its first token and
        those of the chosen tokens at positions of its prompt [n_positions, n_chosen].
        """
        line: dict[str, Any] = {"answer": encode(answer), "seconds": round(seconds, 3)}
        if logits is not None:
            line["row"] = self.rows[answer.canary_id] = self._rows.append(logits[np.newaxis])
        if positions is not None:
            first = self._position_rows.append(positions)
            line["positions"] = [first, first + len(positions)]
            self.positions[answer.canary_id] = range(first, first + len(positions))
        self._write_line(line)
        self.answers[answer.key] = answer

    def agree(self, terms: dict[str, Any]) -> None:
        """Store what was agreed with the endpoint, once, before the first answer."""
        self._write_line({"terms": terms})
        self.terms = terms

    def logits(self, canary_ids: Iterable[str]) -> npt.NDArray[np.floating[Any]]:
        """The captured rows [n_canaries, vocab_size] in the order asked for."""
        return self._rows.read([self.rows[canary_id] for canary_id in canary_ids])

    def position_logits(self, canary_ids: Iterable[str]) -> npt.NDArray[np.floating[Any]]:
        """The captured rows of positions [n, n_chosen], canary by canary in the order asked for."""
        return self._position_rows.read([row for canary_id in canary_ids for row in self.positions[canary_id]])

    def _write_line(self, line: dict[str, Any]) -> None:
        # in ASCII: half a surrogate pair, which some servers return, has no UTF-8
        self._lines.write(json.dumps(line).encode() + b"\n")
        self._lines.flush()

    def _read(self) -> int:
        """Read what an earlier run stored; returns how many bytes of the lines are whole and used."""
        path = self.folder / LINES
        if not path.exists():
            return 0
        rows_on_disk, positions_on_disk = self._rows.on_disk, self._position_rows.on_disk
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
            if line.get("row", -1) >= rows_on_disk or line.get("positions", [0, 0])[1] > positions_on_disk:
                break
            self.terms = line.get("terms", self.terms)
            if "answer" in line:
                answer: Answer = line["answer"]
                self.answers[answer.key] = answer
                self.seconds = line["seconds"]
                if "row" in line:
                    self.rows[answer.canary_id] = line["row"]
                if "positions" in line:
                    self.positions[answer.canary_id] = range(*line["positions"])
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
    for name in (LINES, ROWS, POSITION_ROWS):
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
