"""Foreign files to import, and what became of them."""

import json
from pathlib import Path
from typing import Any

from probes.recording import Recording, folder_name, load_recording
from runners.cli import main

Row = dict[str, Any]
GOOD: Row = {"model": "org/one", "prompt": "Once", "text": "upon a time"}


def rows_file(folder: Path, *rows: Row | str | bytes) -> Path:
    path = folder / "rows.jsonl"
    lines = [
        row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode() for row in rows
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def imported(
    folder: Path, *rows: Row | str | bytes, form: str = "jsonl", source: Path | None = None, skip: bool = False
) -> Path:
    """Import rows (or a source) into `out`, and return that."""
    source = source or rows_file(folder, *rows)
    arguments = [f"source={source}", f"format={form}", f"out={folder / 'out'}", *["on_error=skip"] * skip]
    assert main(["import", *arguments]) == 0
    return folder / "out"


def recording(out: Path, model: str) -> Recording:
    return load_recording(out / folder_name(model))


def draws(of: Recording) -> list[tuple[str, int, str | None, str]]:
    return [(answer.canary_id, answer.draw, answer.text, answer.status) for answer in of.answers]


def counts_folder(folder: Path, **files: Any) -> Path:
    source = folder / "counts"
    source.mkdir()
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (source / f"{name}.json").write_text(text, "utf-8")
    return source
