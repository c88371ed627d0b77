"""When a request is sent again, and after how long."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from probes.errors import CandidateError
from runners.api.exchange import Attempt

_TRANSIENT = {408, 409, 425, 429}
_NO_CREDIT = ("insufficient_quota", "insufficient_balance", "billing_hard_limit_reached")


@dataclass(frozen=True)
class RetryPolicy:
    """At most `retries` more attempts; waits double from `first_wait` to `longest_wait` (s), or are as told."""

    retries: int = 4
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def __post_init__(self) -> None:
        if self.retries < 0 or self.first_wait < 0 or self.longest_wait < 0:
            raise CandidateError("backend.retries, first_wait and longest_wait must be 0 or more")

    def wait(self, attempt: Attempt, number: int) -> float | None:
        """Seconds to wait before sending again after attempt `number` (1, 2, ...); None if it is not to be sent again.

        An endpoint that asks for a longer wait than `longest_wait` is not asked again: the row says so.
        """
        if number > self.retries or not transient(attempt):
            return None
        told = retry_after(attempt.headers)
        if told is not None:
            return told if told <= self.longest_wait else None
        doubled = min(self.first_wait * 2.0 ** (number - 1), self.longest_wait)
        return doubled * random.uniform(0.5, 1.0)  # spread, so that concurrent requests don't come back together


def transient(attempt: Attempt) -> bool:
    """Whether the same request could succeed later: it broke off, was throttled, the server failed, or sent no JSON."""
    if attempt.fault is not None or attempt.status is None:
        return True
    if attempt.status == 200:
        return attempt.parsed() is None
    return (attempt.status in _TRANSIENT and not out_of_credit(attempt)) or attempt.status >= 500


def hopeless(attempt: Attempt) -> bool:
    """Whether no request at all can succeed: the key is not accepted, or nothing is left to pay with."""
    return attempt.status in (401, 402) or out_of_credit(attempt)


def out_of_credit(attempt: Attempt) -> bool:
    """Whether a 429 means that the account is empty, and not that the requests come too fast."""
    return attempt.status == 429 and any(word in (attempt.body or "") for word in _NO_CREDIT)


def retry_after(headers: dict[str, str]) -> float | None:
    """The wait that the endpoint asks for (RFC 9110, section 10.2.3), in seconds; None if it names none."""
    lowered = {name.lower(): value for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(lowered[name]) * unit
        except (KeyError, ValueError):
            continue
        return max(seconds, 0.0) if seconds == seconds else None
    try:
        until = parsedate_to_datetime(lowered.get("retry-after", ""))
    except ValueError:
        return None
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)
