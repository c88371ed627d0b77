"""One foreign file or folder into a folder of recordings: all of it, or nothing."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from probes.errors import KinprintError, RecordingError
from probes.recording import SUITE, file_sha256
from runners.imports.formats import reader
from runners.imports.row import BadRow, Row
from runners.imports.spill import Spill
from runners.imports.write import implied_suite, write_recording
from runners.progress import say

SUMMARY = "import.json"
_NAMED = 10  # bad rows in a message
_LISTED = 10_000  # bad rows in the summary
_EVERY = 250_000  # rows between two lines of progress


def convert(source: Path, form: str, out: Path, skip_bad: bool, made_by: dict[str, str]) -> dict[str, Any]:
    """Write one recording a model into `out`, beside `suite.jsonl` and the summary, which is returned.

    If `out` holds this very import already, that is left as it is. Raises RecordingError if it holds anything else,
    KinprintError if there are bad rows (unless `skip_bad`), or no good ones; `out` is then as it was before.
    """
    read, out = reader(form), Path(os.path.abspath(out))
    about = {"source": source.name, "format": form, "sha256": source_sha256(source), "made_by": made_by}
    done = _finished(out, about)
    if done is not None and (skip_bad or not done["bad_rows"]):
        say(f"{out} holds this import already; delete it to import again")
        return done
    with _staged(out) as folder, Spill(folder / ".spill") as spill:
        rows, bad, listed = _spill(read(source), spill)
        if bad and not skip_bad:
            raise KinprintError(f"{_named(source, bad, listed)}; nothing was imported (on_error=skip leaves them out)")
        if bad:
            say(f"left out: {_named(source, bad, listed)}")
        models = spill.models
        if not models:
            raise KinprintError(f"{source} holds no usable row; nothing was imported")
        prompts = spill.prompts()
        suite = implied_suite(source.stem, source.name, prompts, len(models))
        (folder / SUITE).write_text(suite.to_jsonl(), "utf-8", newline="\n")
        statuses: dict[str, int] = {}
        for number, model in enumerate(models, start=1):
            recording = write_recording(folder, spill, model, suite, source.name, made_by)
            for status, count in recording.manifest.counts.items():
                statuses[status] = statuses.get(status, 0) + count
            if number % 20 == 0:
                say(f"{number} of {len(models)} recordings written")
        partial = [c.id for c, p in zip(suite.canaries, prompts, strict=True) if p.models < len(models)]
        summary = {
            **about,
            "models": models,
            "prompts": len(prompts),
            "rows": rows,
            "answers": statuses,
            "prompts_of_some_models_only": partial,
            "bad_rows": bad,
            "bad": [asdict(one) for one in listed],
        }
        (folder / SUMMARY).write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return summary


def source_sha256(source: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's JSON files; "" if there is neither."""
    if source.is_file():
        return file_sha256(source)
    names = [f"{path.name} {file_sha256(path)}\n" for path in sorted(source.glob("*.json"))]
    return hashlib.sha256("".join(names).encode()).hexdigest() if names else ""


def _spill(rows: Iterator[Row | BadRow], spill: Spill) -> tuple[int, int, list[BadRow]]:
    """Take in all rows; returns how many there were, how many were bad, and the first of those."""
    seen, bad, listed = 0, 0, list[BadRow]()
    for seen, row in enumerate(rows, start=1):
        if isinstance(row, Row):
            try:
                spill.add(row)
            except ValueError as error:
                row = BadRow(row.where, str(error))
        if isinstance(row, BadRow):
            bad += 1
            if bad <= _LISTED:
                listed.append(row)
        if seen % _EVERY == 0:
            say(f"{seen:,} rows read")
    return seen, bad, listed


def _named(source: Path, bad: int, listed: list[BadRow]) -> str:
    named = "; ".join(f"{row.where} {row.why}" for row in listed[:_NAMED])
    more = f"; and {bad - _NAMED} more" if bad > _NAMED else ""
    return f"{bad} bad row{'s' if bad > 1 else ''} in {source}: {named}{more}"


def _finished(out: Path, about: dict[str, Any]) -> dict[str, Any] | None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    try:
        summary: dict[str, Any] = json.loads((out / SUMMARY).read_text("utf-8"))
        same = all(summary[key] == about[key] for key in ("source", "format", "sha256"))
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise RecordingError(f"{out} holds something else than an import of {about['source']}; choose another 'out'")
    return summary


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """A folder beside `out` that becomes `out` at the end, or is gone with all that was made on the way to it."""
    made = [parent for parent in (out, *out.parents) if not parent.exists()][1:]
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = out.parent / f".{out.name}.partial"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
        folder.replace(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for parent in made:
            if not any(parent.iterdir()):
                parent.rmdir()
