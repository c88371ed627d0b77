"""JSON of which there is one way to write it: no byte can change without a change in what it says."""

import json
from typing import Any

from probes.errors import BundleError


def canonical_json(value: Any) -> bytes:
    """ASCII, keys sorted, no space between, and a line feed at the end. Raises ValueError on NaN and infinities."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") + b"\n"


def parse_canonical(text: bytes, where: str) -> dict[str, Any]:
    """A JSON object. Raises BundleError if `canonical_json` would have written it in other bytes.

    A key that stands twice, another order or notation, bytes before or after: each is found by writing it again.
    """
    try:
        value = json.loads(text)
        written = canonical_json(value)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where} is not JSON") from error
    if not isinstance(value, dict) or written != text:
        raise BundleError(f"{where} is not an object in canonical JSON (sorted keys, no space, each key once)")
    return value
