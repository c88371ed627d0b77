"""One request and all that came back for it, retries included: the form in which it is kept."""

import json
from dataclasses import asdict, dataclass
from typing import Any

Key = tuple[str, int]
"""(canary id, draw), or (NEGOTIATION, number) for what was asked beforehand, or (canary id + CHOSEN, number)."""
NEGOTIATION = "\0negotiation"
"""Begins with a NUL, which no canary's id can hold in practice."""
CHOSEN = "\0chosen"
"""Ends the name of what was asked beside a canary's answer, for the logits of chosen tokens."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request sent once. `fault` says what broke before a whole answer came; then `status` may be None."""

    status: int | None
    headers: dict[str, str]
    body: str | None
    fault: str | None
    asked_at: str
    latency_ms: float

    def parsed(self) -> dict[str, Any] | None:
        """The body as a JSON object; None if it is not one."""
        try:
            value = json.loads(self.body or "")
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    @property
    def usage(self) -> tuple[int | None, int | None]:
        """Prompt and completion tokens as the endpoint counts them; None where it does not say."""
        usage = (self.parsed() or {}).get("usage")
        counts = usage if isinstance(usage, dict) else {}
        return _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and every attempt at it. `unsent` says why it was not sent (again), where a budget forbade it."""

    key: Key
    path: str
    request: dict[str, Any]
    attempts: tuple[Attempt, ...]
    unsent: str | None = None

    @property
    def last(self) -> Attempt | None:
        """The attempt that counts."""
        return self.attempts[-1] if self.attempts else None

    @property
    def failure(self) -> str | None:
        """Why there is no answer to read, in words; None if there is one."""
        last = self.last
        if last is not None and last.fault is None and last.status == 200 and last.parsed() is not None:
            return None
        parts = [] if last is None else [_what_is_wrong(last)]
        if last is not None and len(self.attempts) > 1:
            parts.append(f"after {len(self.attempts)} attempts")
        if self.unsent is not None:
            parts.append(f"not asked: {self.unsent}" if last is None else f"not asked again: {self.unsent}")
        return ", ".join(parts)

    def to_line(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)

    @classmethod
    def from_line(cls, line: dict[str, Any]) -> "Exchange":
        """The inverse of `to_line`, after JSON."""
        name, draw = line["key"]
        attempts = tuple(Attempt(**attempt) for attempt in line["attempts"])
        return cls((name, draw), line["path"], line["request"], attempts, line["unsent"])


def _what_is_wrong(attempt: Attempt) -> str:
    if attempt.fault is not None:
        return attempt.fault
    if attempt.status == 200:
        return "the answer is not a JSON object"
    said = (attempt.parsed() or {}).get("error", attempt.body)
    message = said.get("message", said) if isinstance(said, dict) else said
    return f"HTTP {attempt.status}: {' '.join(str(message or 'no reason given').split())[:200]}"


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
