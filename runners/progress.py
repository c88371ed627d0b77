"""Progress of anything that takes longer than a few seconds, on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def say(message: str) -> None:
    """One line for the user, on stderr."""
    print(f"kinprint: {message}", file=sys.stderr, flush=True)


class Counter:
    """What a job tells about its progress: how much is done, and how much of that failed."""

    def __init__(self, progress: Progress, what: str, total: int, done: int) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total, completed=done, failed=0)
        self.failed = 0

    def step(self, failed: bool = False) -> None:
        """One more is done."""
        self.failed += failed
        self._progress.update(self._task, advance=1, failed=self.failed)


@contextmanager
def counting(what: str, total: int, done: int = 0) -> Iterator[Counter]:
    """A progress bar where stderr is a terminal; one line at the end where it is not."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        counter = Counter(progress, what, total, done)
        yield counter
    if not console.is_terminal:
        say(f"{what}: {total} done, {counter.failed} failed")
