"""Memory in proportion to a bundle's size: a few kilobytes of Parquet can stand for gigabytes of answers."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ALLOWANCE = 4 << 30
"""Bytes that checking may take whatever the size of a bundle: libraries, threads, and the references as arrays."""
_TIMES = 16
"""Of the bundle's size, beside that: logits are kept in 16 bits and computed with in 64, some of them twice."""


@contextmanager
def bounded_memory(size: int) -> Iterator[None]:
    """Let what runs inside take `ALLOWANCE` and so many times `size` bytes more than is taken now, then MemoryError.

    Where the system keeps no count of what is taken (other than Linux), nothing is bounded.
    """
    counted = Path("/proc/self/statm")
    if not counted.is_file():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = int(counted.read_text("ascii").split()[5]) * resource.getpagesize() + ALLOWANCE + _TIMES * size
    known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([most, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
