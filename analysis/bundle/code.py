"""Which code computed a verdict: versions, and one hash over kinprint's own sources."""

import platform
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import analysis
import probes
from analysis.verdict import kinprint_version

_REST_ON = ("numpy", "scipy", "scikit-learn", "pyarrow", "safetensors", "jinja2", "matplotlib")


def made_by() -> dict[str, str]:
    """Versions of what computes a verdict and writes its report; `code_sha256` is that of kinprint's own sources."""
    own = {"kinprint": kinprint_version(), "code_sha256": code_sha256(), "python": platform.python_version()}
    return own | {name: version(name) for name in _REST_ON}


def code_sha256() -> str:
    """SHA-256 over the lines `sha256sum` would print of the sources of `analysis` and `probes`, in order of names."""
    lines = []
    for package in (analysis, probes):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root.parent).as_posix()):
            name = path.relative_to(root.parent).as_posix()
            lines.append(f"{sha256(path.read_bytes()).hexdigest()}  {name}\n")
    return sha256("".join(lines).encode()).hexdigest()
