"""Whether a verdict says what another computation of it says, but for what the arithmetic of machines differs by.

Another processor or another build of a library adds floating-point numbers in another order. Numbers may therefore
differ by `RELATIVE` of their size, or `ABSOLUTE`; a number that is rounded when the verdict is written, also by one in
its last place. The same holds for the numbers in a sentence. Everything else has to be the same: decisions, names,
counts, words.
"""

import re
from collections.abc import Iterator
from typing import Any

RELATIVE, ABSOLUTE = 1e-3, 1e-6
IGNORED = ("version",)
"""Names of what says nothing of the candidate: the version of kinprint that computed it."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_ROUNDED = re.compile(r"-?\d+\.(\d{1,4})")


def differences(own: Any, claimed: Any, where: str = "") -> Iterator[str]:
    """Where `claimed` (parsed JSON) says otherwise than `own`, as paths such as `posterior.smollm2`."""
    if isinstance(own, dict) and isinstance(claimed, dict):
        keys = own.keys() | claimed.keys()
        for key in sorted(keys - set(IGNORED) if not where else keys):
            if key not in own or key not in claimed:
                yield _below(where, key)
            else:
                yield from differences(own[key], claimed[key], _below(where, key))
    elif isinstance(own, list) and isinstance(claimed, list) and len(own) == len(claimed):
        for place, (one, other) in enumerate(zip(own, claimed, strict=True)):
            yield from differences(one, other, _below(where, str(place)))
    elif not _same(own, claimed):
        yield where


def _same(own: Any, claimed: Any) -> bool:
    if isinstance(own, str) and isinstance(claimed, str):
        return same_words(own, claimed)
    if isinstance(own, float) and isinstance(claimed, int | float) and not isinstance(claimed, bool):
        return _near(repr(own), float(claimed))
    return type(own) is type(claimed) and bool(own == claimed)


def same_words(own: str, claimed: str) -> bool:
    """Whether two texts differ in nothing but what numbers may differ by."""
    if own == claimed:
        return True
    numbers = _NUMBER.findall(own), _NUMBER.findall(claimed)
    if _NUMBER.split(own) != _NUMBER.split(claimed):
        return False
    return all(_near(a, float(b)) if "." in a or "e" in a else a == b for a, b in zip(*numbers, strict=True))


def _near(own: str, claimed: float) -> bool:
    value = float(own)
    rounded = _ROUNDED.fullmatch(own)
    last_place = 1.001 * 10.0 ** -len(rounded[1]) if rounded else 0.0
    return abs(value - claimed) <= max(ABSOLUTE, RELATIVE * max(abs(value), abs(claimed)), last_place)


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
