"""The guard ends what it runs, with all that this has started, whatever becomes of its owner."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from runners.serving import guard
from tests.processes import wait_until_none_left, with_mark

GRACE = 0.5
# A program with a child, a grandchild, and a child in a session of its own; all ignore SIGTERM where told to.
FAMILY = """
import os, signal, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
read, write = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
    os.write(write, b".")
    time.sleep(600)
if os.fork() == 0:
    os.write(write, b".")
    time.sleep(600)
for _ in range(3):
    os.read(read, 1)
print("ready", flush=True)
if "brief" in sys.argv:
    sys.exit(7)
time.sleep(600)
"""


class Guarded:
    """A guard with a family under it."""

    def __init__(self, *words: str) -> None:
        self.mark = uuid4().hex
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(guard.__file__), str(GRACE), sys.executable, "-c", FAMILY, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "KINPRINT_TEST_MARK": self.mark},
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def close(self) -> int:
        """Close both pipes and wait for the guard."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=20)


@pytest.mark.parametrize("words", [(), ("stubborn",)], ids=["polite", "stubborn"])
def test_the_end_of_the_pipe_ends_all(words: tuple[str, ...]) -> None:
    family = Guarded(*words)
    assert len(with_mark(family.mark)) == 5  # the guard among them
    assert family.close() == 0
    assert with_mark(family.mark) == []


def test_a_server_that_ends_by_itself_takes_its_children_along_and_tells_its_status() -> None:
    family = Guarded("brief", "stubborn")
    assert family.process.wait(timeout=20) == 7
    assert with_mark(family.mark) == []
    assert family.close() == 7


def test_a_killed_server_is_told_by_its_signal() -> None:
    family = Guarded()
    [server] = [
        int(pid) for pid in Path(f"/proc/{family.process.pid}/task/{family.process.pid}/children").read_text().split()
    ]
    os.kill(server, signal.SIGKILL)
    assert family.process.wait(timeout=20) == 128 + signal.SIGKILL
    assert with_mark(family.mark) == []
    family.close()


def test_terminating_the_guard_ends_all() -> None:
    family = Guarded()
    family.process.terminate()
    family.process.wait(timeout=20)
    wait_until_none_left(family.mark)
    family.close()


def test_nothing_is_waited_for_without_need() -> None:
    family, start = Guarded(), time.monotonic()
    family.close()
    assert time.monotonic() - start < GRACE + 3
