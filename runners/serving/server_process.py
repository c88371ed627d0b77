"""A server of our own on loopback: started, waited for, and gone when its context is left."""

import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from probes.errors import CandidateError
from runners.progress import waiting
from runners.serving import guard

_ERROR = re.compile(r"\b([A-Z]\w*(?:Error|Exception|Exit|Interrupt): .*)")
_EMPTY_WORDS = ("Engine core initialization failed", "EngineDeadError")
_POLL = 0.5  # seconds


@dataclass
class ServerProcess:
    """A command that serves HTTP at `port`, well once `health` answers; `environment` is added to this process's own.

    Its log goes into a temporary file, which stays only where the server failed. A guard of its own ends it whatever
    becomes of this process. `grace` (s) is how long it may take to end by itself.
    """

    title: str
    command: Sequence[str]
    port: int
    environment: Mapping[str, str]
    grace: float = 15.0
    health: str = "/health"

    def __enter__(self) -> Self:
        descriptor, path = tempfile.mkstemp(prefix="kinprint-server-", suffix=".log")
        self.log = Path(path)
        self._failed = False
        try:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(guard.__file__), str(self.grace), *self.command],
                stdin=subprocess.PIPE,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,  # Ctrl-C is for this process, which then ends the server in order
            )
        finally:
            os.close(descriptor)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()
        if not self._failed:
            self.log.unlink(missing_ok=True)

    def wait_until_healthy(self, patience: float) -> None:
        """Wait until it is well, telling how long it takes. Raises CandidateError if it dies, or after `patience` s."""
        start = time.monotonic()
        with waiting(f"waiting for {self.title}") as tick:
            while not self.healthy():
                if self._guard.poll() is not None:
                    raise self._failure("died before it was up")
                if time.monotonic() - start > patience:
                    raise self._failure(f"was not up after {patience:.0f} s")
                tick()
                time.sleep(_POLL)

    def healthy(self) -> bool:
        """Whether it runs and says that it is well."""
        if self._guard.poll() is not None:
            return False
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.request("GET", self.health)
            return line.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    def check(self) -> None:
        """Raise CandidateError, with the server's last words, unless it is well."""
        if not self.healthy():
            raise self._failure("died" if self._ended() else "no longer answers")

    def _ended(self) -> bool:
        """Whether it has ended; waits a moment for one that is about to, so that its last words are in the log."""
        try:
            self._guard.wait(timeout=self.grace + 1)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _failure(self, what: str) -> CandidateError:
        self._failed = True
        code = self._guard.poll()
        status = "" if code is None else f" (exit status {code})"
        return CandidateError(f"{self.title} {what}{status}: {last_words(self.log)}; its log is {self.log}")


def last_words(log: Path) -> str:
    """What a log says about why its program ended, in one printable line: the last error it names, or its last line."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [match[1] for line in lines if (match := _ERROR.search(line))]
    telling = [error for error in errors if not any(words in error for words in _EMPTY_WORDS)]
    last = (telling or errors or lines or ["it said nothing"])[-1]
    return "".join(letter for letter in last if letter.isprintable())[:300]


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
