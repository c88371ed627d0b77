"""Whether what was signed stands: how `kinprint verify` and `kinprint library verify` say it, and end."""

from collections.abc import Callable, Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from analysis.report.hostile import visible
from probes.errors import BundleError, EvidenceError

STANDS, FALLS = 0, 1
LONGEST = 800
"""Characters that are shown of what may repeat a stranger's words."""


def told(check: Callable[[], Iterable[str]]) -> int:
    """Print the lines that a check gives, or why it does not stand; returns the exit status.

    Raises BundleError where there is nothing to be read.
    """
    try:
        lines = list(check())
    except EvidenceError as error:
        print(f"does not stand: {visible(str(error), LONGEST)}")
        return FALLS
    except BundleError as error:  # it may repeat what a stranger wrote
        raise BundleError(visible(str(error), LONGEST)) from error
    print(*lines, sep="\n")
    return STANDS


def signer(key: Ed25519PublicKey | None) -> str:
    """Who signed, as far as the key that was given tells."""
    return "the key given" if key is not None else "an unknown key"
