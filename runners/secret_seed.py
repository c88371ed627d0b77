"""The secret seed of a fresh suite: kept in a file of mode 600 or in the environment, and told to nobody."""

import os
import re
import secrets
import stat
from pathlib import Path

from probes.errors import SuiteError
from probes.fresh import LEAST_BYTES

VARIABLE = "KINPRINT_SUITE_SEED"
_BYTES = 32
_LOOKS_SECRET = re.compile(rf"[0-9a-fA-F]{{{2 * LEAST_BYTES},}}")


def secret_seed(file: str | None) -> bytes:
    """The seed in a file, which is made where there is none; without a file, the one in the environment.

    Raises SuiteError where there is neither, where others may read the file, and where it holds no seed; what a seed
    was given as is never repeated.
    """
    if file is None:
        if not (given := os.environ.get(VARIABLE, "")):
            raise SuiteError(
                f"suite=fresh needs a secret seed: name a file with suite.seed=FILE (it is made where there is none), "
                f"or set {VARIABLE} to {2 * LEAST_BYTES} hex digits or more"
            )
        return _parsed(given, VARIABLE)
    if _LOOKS_SECRET.fullmatch(file):
        raise SuiteError(
            f"suite.seed names the file that keeps the seed; a seed on the command line is no secret, so put it into "
            f"a file of mode 600 or into {VARIABLE}"
        )
    path = Path(file)
    if not path.exists():
        return _made(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SuiteError(f"{path} holds a secret seed and others may read it; 'chmod 600 {path}' or draw a new one")
    return revealed_seed(file)


def revealed_seed(file: str) -> bytes:
    """The seed in a file, whoever may read it. Raises SuiteError if it holds none; OSError if it is not there."""
    try:
        return _parsed(Path(file).read_text("utf-8"), file)
    except UnicodeDecodeError as error:
        raise SuiteError(_no_seed(file)) from error


def _made(path: Path) -> bytes:
    """Write a new seed, readable by nobody else from the first moment on."""
    seed = secrets.token_bytes(_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(seed.hex() + "\n")
    return seed


def _parsed(text: str, where: str) -> bytes:
    try:
        seed = bytes.fromhex(text.strip())
    except ValueError:  # not as the cause: its words may hold the seed
        raise SuiteError(_no_seed(where)) from None
    if len(seed) < LEAST_BYTES:
        raise SuiteError(_no_seed(where))
    return seed


def _no_seed(where: str) -> str:
    return (
        f"{where} holds no seed of {2 * LEAST_BYTES} hex digits or more; name a file that is not there, and it is made"
    )
