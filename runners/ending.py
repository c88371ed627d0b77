"""SIGTERM ends a run as Ctrl-C does: in order, with everything that it has started."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came: the run ends in order, as with Ctrl-C, and what it has started ends with it."""


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Take SIGTERM for a Ctrl-C while the block runs; a second one does not cut its ending short."""

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
