"""Logprobs as endpoints send them, in one form. What can't be read is left out, or is an error."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

_TOKEN_ID = re.compile(r"token_id:(\d+)")
_SPECIAL = re.compile(
    r"<\|[^<>|]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</?s>|<(?:eos|bos|pad|unk|end_of_turn|start_of_turn)>|\[/?INST\]"
)
_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})")
_TOLERANCE = 0.02  # servers compute in low precision, and round
NEVER = -9000.0
"""vLLM writes -9999.0 for minus infinity."""


class LogprobsError(ValueError):
    """The logprobs are no logprobs; the message says how."""


class Token(NamedTuple):
    """A token as far as it is known: its bytes, and its id where the endpoint gives ids."""

    spelled: bytes | None
    id: int | None = None


class Alternative(NamedTuple):
    """A token that could stand at a position, with its logprob (nats)."""

    spelled: bytes
    logprob: float
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """One generated token, and the likeliest tokens there, in order. `exact_bytes`: no spelling is a guess."""

    token: Token
    top: tuple[Alternative, ...]
    exact_bytes: bool

    @property
    def spelled(self) -> bytes | None:
        """The bytes of the generated token; None where not known."""
        return self.token.spelled


def positions(choice: Mapping[str, Any], vocabulary: Sequence[bytes] = ()) -> list[Position]:
    """The positions of an answer; none where it has no logprobs. Raises LogprobsError on impossible numbers.

    `vocabulary` spells the tokens, by id, of an endpoint that names them by their ids (`token_id:N`).
    """
    given = choice.get("logprobs")
    if not isinstance(given, dict):
        return []
    content = given.get("content")
    if isinstance(content, list):
        return [_from_chat(entry, vocabulary) for entry in content if isinstance(entry, dict)]
    return _from_completion(given, vocabulary)


def _from_chat(entry: Mapping[str, Any], vocabulary: Sequence[bytes]) -> Position:
    """A position as chats have it: `{token, logprob, bytes, top_logprobs: [...]}`."""
    alternatives = [one for one in entry.get("top_logprobs") or [] if isinstance(one, dict)] or [entry]
    pairs = [(_token_of(one, vocabulary), one.get("logprob")) for one in alternatives]
    exact = all(
        token.id is not None or isinstance(one.get("bytes"), list)
        for (token, _), one in zip(pairs, alternatives, strict=True)
    )
    return Position(_token_of(entry, vocabulary), _ranked(pairs), exact)


def _from_completion(given: Mapping[str, Any], vocabulary: Sequence[bytes]) -> list[Position]:
    """Positions as the old completions have them: parallel lists, alternatives as `{token: logprob}`."""
    tokens = given.get("tokens")
    if not isinstance(tokens, list):
        return []
    own, tops = given.get("token_logprobs"), given.get("top_logprobs")
    found = []
    for place, token in enumerate(tokens):
        top = _at(tops, place)
        alternatives = top if isinstance(top, dict) and top else {token: _at(own, place)}
        pairs = [(_token_named(str(name), vocabulary), value) for name, value in alternatives.items()]
        exact = all(token.id is not None for token, _ in pairs)
        found.append(Position(_token_named(str(token), vocabulary), _ranked(pairs), exact))
    return found


def _token_named(name: str, vocabulary: Sequence[bytes]) -> Token:
    """The token that an endpoint names by its text, or by its id where the vocabulary is known."""
    if (match := _TOKEN_ID.fullmatch(name)) and (number := int(match[1])) < len(vocabulary):
        return Token(vocabulary[number], number)
    return Token(spell(name))


def spell(token: str) -> bytes | None:
    """The bytes of a token given as text; None where the text does not say them (a lone piece of a character).

    A token that spells no text (end of turn and the like) is empty, as in every recording. One that is given as an
    empty text may be that, or a piece of a character that the endpoint could not show.
    """
    if _SPECIAL.fullmatch(token):
        return b""
    if token.startswith("bytes:"):
        return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), token.removeprefix("bytes:").encode())
    if not token or "\ufffd" in token or _TOKEN_ID.fullmatch(token):
        return None
    return token.encode("utf-8", "surrogatepass") if _is_text(token) else None


def _token_of(entry: Mapping[str, Any], vocabulary: Sequence[bytes]) -> Token:
    name, given = entry.get("token"), entry.get("bytes")
    named = _token_named(name, vocabulary) if isinstance(name, str) else Token(None)
    if named.id is not None or named.spelled == b"":
        return named
    # vLLM, told to name tokens by their ids, gives the bytes of that name in the place of the token's own.
    of_name = isinstance(name, str) and _TOKEN_ID.fullmatch(name) and given == list(name.encode())
    if isinstance(given, list) and all(isinstance(b, int) and 0 <= b < 256 for b in given) and not of_name:
        return Token(bytes(given))
    return named


def _ranked(pairs: Sequence[tuple[Token, Any]]) -> tuple[Alternative, ...]:
    """Likeliest first; without impossible tokens (-inf), those of unknown spelling, and entries given twice.

    Raises LogprobsError if a value is no logprob, or the probabilities sum to more than 1.
    """
    kept: dict[Alternative, None] = {}
    total = 0.0
    for token, value in pairs:
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value > _TOLERANCE:
            raise LogprobsError(f"the endpoint sent {value!r} as a logprob")
        number = min(float(value), 0.0)
        if number <= NEVER or token.spelled is None:
            continue
        found = Alternative(token.spelled, number, token.id)
        if found in kept:
            continue
        kept[found] = None
        total += math.exp(number)
    if total > 1 + _TOLERANCE:
        raise LogprobsError(f"the endpoint sent logprobs whose probabilities sum to {total:.3f}")
    return tuple(sorted(kept, key=lambda one: (-one.logprob, one.spelled)))


def _at(values: Any, place: int) -> Any:
    return values[place] if isinstance(values, list) and place < len(values) else None


def _is_text(token: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in token)
