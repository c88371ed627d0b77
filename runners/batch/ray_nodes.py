"""Ray over the nodes of one job, for a model that does not fit on one: vLLM's Ray executor finds it there.

Ray comes with neither lock: whoever spreads a model over nodes has it beside vLLM (`pip install ray`).
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which

from probes.errors import KinprintError

_HEAD_UP_WITHIN = 300.0  # seconds
_AGAIN = 5.0


@contextmanager
def ray_head(port: int) -> Iterator[None]:
    """Within the block, Ray runs on this node and takes in others; vLLM finds it by its environment."""
    _check()
    _ray("start", "--head", f"--port={port}", "--disable-usage-stats")
    os.environ["RAY_ADDRESS"] = f"127.0.0.1:{port}"
    try:
        yield
    finally:
        del os.environ["RAY_ADDRESS"]
        _ray("stop")


def ray_worker(head: str, port: int) -> None:
    """Lend this node to the Ray of `head` until that is gone. Raises KinprintError if it does not come up."""
    _check()
    deadline = time.monotonic() + _HEAD_UP_WITHIN
    while True:
        try:
            _ray("start", f"--address={head}:{port}", "--disable-usage-stats", "--block")
            return
        except KinprintError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN)


def _check() -> None:
    if which("ray") is None:
        raise KinprintError("a model over several nodes needs Ray, and there is none; 'pip install ray' on every node")


def _ray(*words: str) -> None:
    done = subprocess.run(["ray", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise KinprintError(f"'ray {words[0]}' failed: {last[-1]}")
