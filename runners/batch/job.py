"""A job: runs that share one start, done one after the other in one process, wherever that is.

What is to be done lies in a file, and what became of it is written beside: nothing else passes between the process
that plans a batch and those that do it. `python -m runners.batch.job FILE` does one.
"""

import json
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

from probes.errors import KinprintError
from probes.write_whole import write_whole
from runners.batch.run import Run
from runners.ending import ending_in_order
from runners.starts import sharing_starts


@dataclass(frozen=True)
class Outcome:
    """What became of a run: `status` is `done` or `failed`, `why` says why it failed, `seconds` (s) what it took."""

    status: str
    seconds: float
    why: str = ""


@dataclass(frozen=True)
class Job:
    """Runs that share a start, and the file that tells a process of them."""

    runs: tuple[Run, ...]
    file: Path

    @property
    def log(self) -> Path:
        """What its process says."""
        return self.file.with_suffix(".log")

    def write(self) -> None:
        """Write the file, and forget what became of the job before."""
        runs = [{"key": run.key, "verb": run.verb, "words": run.words} for run in self.runs]
        _outcomes(self.file).unlink(missing_ok=True)
        write_whole(self.file, json.dumps(runs, indent=1) + "\n")

    def outcomes(self, ended: str) -> dict[str, Outcome]:
        """What became of each run by its key; of those that the process did not come to, `ended` says why."""
        path = _outcomes(self.file)
        told = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        missing = Outcome("failed", 0.0, ended)
        return {run.key: Outcome(**told[run.key]) if run.key in told else missing for run in self.runs}


def jobs_of(runs: Sequence[Run], folder: Path, share: int) -> list[Job]:
    """One job a candidate; at most `share` runs with the same start in one."""
    together: dict[str, list[Run]] = {}
    for run in runs:
        together.setdefault(run.start, []).append(run)
    parts = [some[at : at + share] for some in together.values() for at in range(0, len(some), share)]
    return [Job(tuple(part), folder / f"{part[0].key}.json") for part in parts]


def do(file: Path) -> None:
    """Do a job, and write what became of each of its runs as soon as that is known."""
    runs = json.loads(file.read_text("utf-8"))
    found: dict[str, Any] = {}
    with sharing_starts():
        for run in runs:
            found[run["key"]] = asdict(_attempt(run["verb"], run["words"]))
            write_whole(_outcomes(file), json.dumps(found, indent=1) + "\n")


@contextmanager
def logging_to(log: Path) -> Iterator[None]:
    """What is printed within the block goes into a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream, redirect_stdout(stream), redirect_stderr(stream):
        yield


def _attempt(verb: str, words: Sequence[str]) -> Outcome:
    start = perf_counter()
    try:
        _run(verb, words)
    except (KinprintError, OSError) as error:
        print(f"kinprint: {error}", file=sys.stderr, flush=True)
        return Outcome("failed", round(perf_counter() - start, 3), " ".join(str(error).split()))
    return Outcome("done", round(perf_counter() - start, 3))


def _run(verb: str, words: Sequence[str]) -> None:
    try:
        import_module(f"runners.jobs.{verb}").main(list(words))
    except (KinprintError, OSError):
        raise
    except Exception as error:  # a candidate that brings out a mistake of ours fails alone too; its log has all of it
        traceback.print_exc()
        raise KinprintError(f"{type(error).__name__}: {error} (a mistake of kinprint's; please report it)") from error


def _outcomes(file: Path) -> Path:
    return file.with_suffix(".outcome.json")


if __name__ == "__main__":
    with ending_in_order():
        do(Path(sys.argv[1]))
