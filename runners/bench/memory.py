"""Resident memory of this process, as Linux counts it."""

import re
from collections.abc import Callable
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident_mb() -> float:
    """Resident memory now (MB)."""
    return _megabytes("VmRSS")


def peak_mb(run: Callable[[], object]) -> float:
    """The highest that resident memory gets while something runs (MB)."""
    _CLEAR.write_text("5")  # the highest value so far becomes the present one (proc(5))
    run()
    return _megabytes("VmHWM")


def _megabytes(field: str) -> float:
    found = re.search(rf"^{field}:\s+(\d+) kB$", _STATUS.read_text("ascii"), re.MULTILINE)
    if found is None:
        raise OSError(f"{_STATUS} has no {field}")
    return int(found[1]) * 1024 / 1e6
