"""Keeps the start of a chatty engine off the terminal; KINPRINT_VERBOSE=1 lets it speak."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Send what the process writes to stdout and stderr, compiled code included, nowhere while the block runs."""
    if os.environ.get("KINPRINT_VERBOSE"):
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    kept = os.dup(1), os.dup(2)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in (nowhere, *kept):
            os.close(descriptor)
