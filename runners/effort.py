"""What something takes, on the clock and of processors."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time


@dataclass
class Effort:
    """Seconds on the clock, and of processors in this process and those it started; known when it is over."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


@contextmanager
def effort() -> Iterator[Effort]:
    """Measures what runs inside."""
    found, start, cpu = Effort(), perf_counter(), _cpu_seconds()
    yield found
    found.seconds, found.cpu_seconds = perf_counter() - start, _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime
