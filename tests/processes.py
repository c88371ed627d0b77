"""Counting processes, however they were started: all that inherited a mark in their environment."""

import contextlib
import time
from pathlib import Path

MARK = "KINPRINT_TEST_MARK"


def with_mark(mark: str) -> list[int]:
    """Ids of the processes, zombies apart, whose environment holds the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def wait_until_none_left(mark: str, seconds: float = 20.0) -> None:
    """Wait until every process with the mark is gone; fails after so many seconds (s)."""
    deadline = time.monotonic() + seconds
    while left := with_mark(mark):
        assert time.monotonic() < deadline, f"{len(left)} processes are left"
        time.sleep(0.05)
