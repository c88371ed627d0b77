"""Runs a server for another process and never lets it outlive that process, not even one that is killed.

A program of its own, `python -I -S guard.py GRACE COMMAND...`, so that SIGKILL of its owner does not reach it. Its
stdin is a pipe that only the owner can write to: when that ends, for whatever reason, the server and everything that it
has started gets SIGTERM, and after GRACE seconds SIGKILL. Exits with the server's status (128 + N after signal N), or 0
where it ended the server itself. Knows nothing of what it runs, and imports the standard library only.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_TICK = 0.1  # seconds
_LAST_PATIENCE = 10.0  # seconds for the kernel to end what got SIGKILL


class Guard:
    """One server, its own process group, and whatever descends from it."""

    def __init__(self, command: list[str]) -> None:
        # Orphans of the server become children of the guard: none is lost, and none stays a zombie.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.pid = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0).pid
        self.status: int | None = None

    def anyone_left(self) -> bool:
        """Take note of who has ended; whether any process is left."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self.pid:
                    code = os.waitstatus_to_exitcode(status)
                    self.status = code if code >= 0 else 128 - code
        return False

    def end(self, grace: float) -> None:
        """End every process: politely first, after `grace` seconds (s) without a choice."""
        self._signal_group(signal.SIGTERM)
        if self._gone_within(grace):
            return
        deadline = time.monotonic() + _LAST_PATIENCE
        while self.anyone_left() and time.monotonic() < deadline:
            self._signal_group(signal.SIGKILL)
            for pid in Path("/proc/thread-self/children").read_text("ascii").split():  # those that left the group
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(_TICK)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.anyone_left():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_TICK)
        return True

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def main(grace: float, command: list[str]) -> int:
    """Run a command until it ends or its owner does."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: told.append(number))
    guard = Guard(command)
    while guard.anyone_left() and guard.status is None and not told:
        if select.select([sys.stdin], [], [], _TICK)[0]:
            break  # the end of the pipe: nothing is ever written to it
    died = guard.status
    guard.end(grace)
    return 0 if died is None else died


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
