"""JSON lines: `{model, prompt, text, canary_id?, draw?, temperature?, logprobs?}`, one answer a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from probes.errors import KinprintError
from runners.imports.logprobs import first_token
from runners.imports.row import BadRow, Row


def read(source: Path) -> Iterator[Row | BadRow]:
    """Every row of a JSONL file, in order, a line at a time. Raises KinprintError if there is no such file."""
    if not source.is_file():
        raise KinprintError(f"there is no file {source}; format=jsonl reads one JSONL file")
    with source.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _row(f"line {number}", line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)


def _row(where: str, line: bytes) -> Row | BadRow:
    try:
        values: Any = json.loads(line.decode())
    except UnicodeDecodeError:
        return BadRow(where, "is not UTF-8")
    except (ValueError, RecursionError):
        return BadRow(where, "is not JSON")
    if not isinstance(values, dict):
        return BadRow(where, "is not a JSON object")
    try:
        return Row(
            where=where,
            model=values.get("model"),
            prompt=values.get("prompt"),
            text=values.get("text"),
            canary_id=values.get("canary_id"),
            draw=values.get("draw"),
            temperature=values.get("temperature"),
            topk=first_token(values.get("logprobs")),
        )
    except ValueError as error:
        return BadRow(where, str(error))
