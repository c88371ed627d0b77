"""`kinprint bench cases`: the five disputes, played with the zoo's analogues: is each verdict right?

A case is what `kinprint case experiment=NAME scale=small` plays, in a process of its own, into the same folder: what
was found there is not found again, so a run that was stopped goes on where it was.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.report.marked_page import put
from probes.errors import KinprintError
from runners.bench.row import Row, Target
from runners.cases.figures import table
from runners.cases.outcome import Outcome, load_all
from runners.cases.settings import CaseSettings
from runners.compose import settings_of
from runners.jobs.case import NAME
from runners.progress import say

CASES: dict[str, tuple[str, ...]] = {
    "kimi_dev": (),
    "pangu_moe": (),
    "yi_llama": (),
    "llama3v_minicpm": (),
    "api_shell": ("shell.models=[smollm2,qwen2.5-coder]", "shell.only=[brand]"),  # all fifteen take an hour
}
"""Every case, with what is left out of it for the sake of time."""
VERDICT = "right/"
MINUTES = 30
_RIGHT = Target("right", "of 1", ">=", 1)
_TIME = Target("minutes", "min", "<=", MINUTES)


def measure(names: Sequence[str], docs: Path | None = None) -> list[Row]:
    """A row for every suspect of every case, and the time that all took; `docs` is the page that holds their tables."""
    if unknown := sorted(set(names) - set(CASES)):
        raise KinprintError(f"there is no case {unknown[0]!r}; known are {', '.join(CASES)}")
    rows, seconds, cpu_seconds = [], 0.0, 0.0
    for name in names or CASES:
        outcomes = played(name, CASES[name])
        rows += [_row(name, one) for one in outcomes] or [Row(f"{VERDICT}{name}", None, _RIGHT)]
        seconds += sum(one.seconds for one in outcomes)
        cpu_seconds += sum(one.cpu_seconds or 0.0 for one in outcomes)
        if docs is not None and outcomes:
            put(docs, name, table(outcomes))
    return [*rows, Row("minutes", seconds / 60, _TIME), Row("cpu_minutes", cpu_seconds / 60, None, "min")]


def played(name: str, less: Sequence[str]) -> list[Outcome]:
    """The outcomes of a case; none if it could not be played, which it has said itself by then."""
    overrides = [f"experiment={name}", "scale=small", *less]
    settings = settings_of("case", CaseSettings, overrides)
    say(f"{name}: {settings.story.title}")
    # A process each: an engine keeps memory and binds threads to cores until its process ends.
    status = subprocess.run([sys.executable, "-m", "runners.cli", "case", *overrides], stdout=sys.stderr).returncode
    if status in (130, 143, -2, -15):
        raise KeyboardInterrupt
    return [] if status else load_all(Path(settings.out) / NAME)


def _row(case: str, one: Outcome) -> Row:
    details = {
        "case": case,
        "suspect": one.suspect,
        "model": one.model,
        "parent": one.parent,
        "expected": one.expected,
        "verdict": one.found.conclusion,
        "family": one.found.family,
        "missed": list(one.missed),
        "right": one.right,
        "queries": one.queries,
        "seconds": one.seconds,
        "cpu_seconds": one.cpu_seconds,
    }
    return Row(f"{VERDICT}{case}/{one.suspect}", float(one.right), _RIGHT, details=details)
