"""Logprobs as endpoints send them, in one form. What can't be read is left out, or is an error."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SPECIAL = re.compile(
    r"<\|[^<>|]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</?s>|<(?:eos|bos|pad|unk|end_of_turn|start_of_turn)>|\[/?INST\]"
)
_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})")
_TOLERANCE = 0.02  # servers compute in low precision, and round
NEVER = -9000.0
"""vLLM writes -9999.0 for minus infinity."""


class LogprobsError(ValueError):
    """The logprobs are no logprobs; the message says how."""


@dataclass(frozen=True, slots=True)
class Position:
    """One generated token: its bytes (None where not known), and the likeliest tokens there, in order."""

    spelled: bytes | None
    top: tuple[tuple[bytes, float], ...]
    exact_bytes: bool


def positions(choice: Mapping[str, Any]) -> list[Position]:
    """The positions of an answer; none where it has no logprobs. Raises LogprobsError on impossible numbers."""
    given = choice.get("logprobs")
    if not isinstance(given, dict):
        return []
    content = given.get("content")
    if isinstance(content, list):
        return [_from_chat(entry) for entry in content if isinstance(entry, dict)]
    return _from_completion(given)


def _from_chat(entry: Mapping[str, Any]) -> Position:
    """A position as chats have it: `{token, logprob, bytes, top_logprobs: [...]}`."""
    alternatives = [one for one in entry.get("top_logprobs") or [] if isinstance(one, dict)]
    pairs = [(_spelled(one), one.get("logprob")) for one in alternatives or [entry]]
    exact = all(isinstance(one.get("bytes"), list) for one in alternatives or [entry])
    return Position(_spelled(entry), _ranked(pairs), exact)


def _from_completion(given: Mapping[str, Any]) -> list[Position]:
    """Positions as the old completions have them: parallel lists, alternatives as `{token: logprob}`."""
    tokens = given.get("tokens")
    if not isinstance(tokens, list):
        return []
    own, tops = given.get("token_logprobs"), given.get("top_logprobs")
    found = []
    for place, token in enumerate(tokens):
        top = _at(tops, place)
        alternatives = top if isinstance(top, dict) and top else {token: _at(own, place)}
        pairs = [(spell(str(name)), value) for name, value in alternatives.items()]
        found.append(Position(spell(str(token)), _ranked(pairs), False))
    return found


def spell(token: str) -> bytes | None:
    """The bytes of a token given as text; None where the text does not say them (a lone piece of a character).

    A token that spells no text (end of turn and the like) is empty, as in every recording.
    """
    if _SPECIAL.fullmatch(token):
        return b""
    if token.startswith("bytes:"):
        return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), token.removeprefix("bytes:").encode())
    if "\ufffd" in token or token.startswith("token_id:"):
        return None
    return token.encode("utf-8", "surrogatepass") if _is_text(token) else None


def _spelled(entry: Mapping[str, Any]) -> bytes | None:
    token, given = entry.get("token"), entry.get("bytes")
    if isinstance(token, str) and _SPECIAL.fullmatch(token):
        return b""
    if isinstance(given, list) and all(isinstance(b, int) and 0 <= b < 256 for b in given):
        return bytes(given)
    return spell(token) if isinstance(token, str) else None


def _ranked(pairs: Sequence[tuple[bytes | None, Any]]) -> tuple[tuple[bytes, float], ...]:
    """Likeliest first; without impossible tokens (-inf), those of unknown spelling, and entries given twice.

    Raises LogprobsError if a value is no logprob, or the probabilities sum to more than 1.
    """
    kept: dict[tuple[bytes, float], None] = {}
    total = 0.0
    for spelled, value in pairs:
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value > _TOLERANCE:
            raise LogprobsError(f"the endpoint sent {value!r} as a logprob")
        number = min(float(value), 0.0)
        if number <= NEVER or spelled is None or (spelled, number) in kept:
            continue
        kept[spelled, number] = None
        total += math.exp(number)
    if total > 1 + _TOLERANCE:
        raise LogprobsError(f"the endpoint sent logprobs whose probabilities sum to {total:.3f}")
    return tuple(sorted(kept, key=lambda pair: (-pair[1], pair[0])))


def _at(values: Any, place: int) -> Any:
    return values[place] if isinstance(values, list) and place < len(values) else None


def _is_text(token: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in token)
