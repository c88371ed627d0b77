"""Progress of anything that takes longer than a few seconds, on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def say(message: str) -> None:
    """One line for the user, on stderr."""
    print(f"kinprint: {message}", file=sys.stderr, flush=True)


class Counter:
    """What a job tells about its progress: how much was answered, how much failed, what it cost so far."""

    def __init__(self, progress: Progress, what: str, total: int, done: int) -> None:
        self._progress = progress
        self._total = total
        self._task = progress.add_task(what, total=total, completed=done, failed=0, left=total - done, cost="")
        self.done, self.failed, self.tokens = done, 0, 0
        self.usd: float | None = None

    def step(self, failed: bool = False, tokens: int = 0, usd: float | None = None) -> None:
        """One more is done; `tokens` is what it cost, `usd` what everything has cost so far."""
        self.done += 1
        self.failed += failed
        self.tokens += tokens
        self.usd = usd if usd is not None else self.usd
        self._progress.update(self._task, advance=1, failed=self.failed, left=self._total - self.done, cost=self.cost)

    @property
    def cost(self) -> str:
        """Tokens, and dollars where they are known, in words."""
        return f"{self.tokens} tokens" + ("" if self.usd is None else f", ${self.usd:.4f}")


@contextmanager
def counting(what: str, total: int, done: int = 0, shown: bool = True) -> Iterator[Counter]:
    """A progress bar where stderr is a terminal; one line at the end where it is not; neither unless it is `shown`."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed, {task.fields[left]} left"),
        TextColumn("{task.fields[cost]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not (shown and console.is_terminal)) as progress:
        counter = Counter(progress, what, total, done)
        yield counter
    if shown and not console.is_terminal:
        say(f"{what}: {total} done, {counter.failed} failed" + (f", {counter.cost}" if counter.tokens else ""))


@contextmanager
def waiting(what: str, every: float = 15.0) -> Iterator[Callable[[], None]]:
    """The seconds so far, on one line where stderr is a terminal; else a line `every` so many seconds (s).

    Yields what the waiting code calls now and then.
    """
    console, start = Console(stderr=True), monotonic()
    said = start

    def tick() -> None:
        nonlocal said
        if not console.is_terminal and monotonic() - said >= every:
            said = monotonic()
            say(f"{what}: {said - start:.0f} s so far")

    with Progress(
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        progress.add_task(what, total=None)
        yield tick
    say(f"{what}: {monotonic() - start:.0f} s")
