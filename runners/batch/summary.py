"""What became of a batch, as a table that people and programs read: one line a run, separated by tabs."""

import csv
import io
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.report.hostile import NAME_LIMIT, visible
from probes.errors import KinprintError
from probes.write_whole import write_whole
from runners.batch.job import Outcome
from runners.batch.run import Run

COLUMNS = ("candidate", "status", "seconds", "out", "recording", "why", "again")
_WHY_LIMIT = 500


@dataclass(frozen=True)
class Line:
    """One run: `status` is `done`, `there` (from before) or `failed`; `again` is the command that does it alone."""

    candidate: str
    status: str
    seconds: str
    out: str
    recording: str
    why: str
    again: str


def summary_file(batch: Path, verb: str) -> Path:
    """Where the summary of a verb lies in a batch."""
    return batch / f"{verb}.tsv"


def save_summary(batch: Path, verb: str, runs: Sequence[Run], outcomes: Mapping[str, Outcome]) -> Path:
    """Write what became of the runs of a sweep; a run without an outcome was there before."""
    text = io.StringIO()
    table = csv.writer(text, "excel-tab", lineterminator="\n")
    table.writerow(COLUMNS)
    for run in runs:
        found = outcomes.get(run.key)
        status, seconds, why = (found.status, f"{found.seconds:.1f}", found.why) if found else ("there", "", "")
        again = f"kinprint {verb} {shlex.join(run.words)}"
        row = [visible(run.name, NAME_LIMIT), status, seconds, str(run.out), run.recording or ""]
        table.writerow([*row, visible(why, _WHY_LIMIT), again])
    path = summary_file(batch, verb)
    write_whole(path, text.getvalue())
    return path


def load_summary(batch: Path, verb: str) -> list[Line]:
    """The summary of a verb's last sweep in a batch; [] if there was none. Raises KinprintError if it is damaged."""
    path = summary_file(batch, verb)
    if not path.is_file():
        return []
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline=""), "excel-tab", strict=True))
        if tuple(rows[0]) != COLUMNS:
            raise ValueError("it has other columns")
        return [Line(*row) for row in rows[1:]]
    except (ValueError, IndexError, TypeError, csv.Error) as error:
        raise KinprintError(f"{path} is damaged ({error}); 'kinprint {verb} -m' writes it again") from error
