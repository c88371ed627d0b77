"""What a run may cost. A request's worst case is reserved before it is sent and settled afterwards.

So a limit holds whatever the concurrency. A request counts when it is sent, retries included. Where nobody knows
what a request cost (it timed out, its answer broke off, its run was killed), its worst case stays spent.
"""

import asyncio
from dataclasses import dataclass, field
from time import monotonic

from probes.errors import KinprintError

_MILLION = 1_000_000


@dataclass(frozen=True)
class Limits:
    """The most that a run may spend, resumed runs together; None is no limit. Prices are USD per million tokens."""

    requests: int | None = None
    tokens: int | None = None
    usd: float | None = None
    seconds: float | None = None
    prompt_price: float | None = None
    completion_price: float | None = None

    def __post_init__(self) -> None:
        for name in ("requests", "tokens", "usd", "seconds", "prompt_price", "completion_price"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise KinprintError(f"budget.{name} must be a number from 0 up, or null; it is {value}")
        if self.usd is not None and not self.priced:
            raise KinprintError(
                "budget.usd needs budget.prompt_price and budget.completion_price (USD per million tokens)"
            )

    @property
    def priced(self) -> bool:
        """Whether tokens have a price."""
        return self.prompt_price is not None and self.completion_price is not None

    @property
    def limited(self) -> bool:
        """Whether anything is limited at all."""
        return any(value is not None for value in (self.requests, self.tokens, self.usd, self.seconds))

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """USD for so many tokens; 0 without a price."""
        prompt, completion = self.prompt_price or 0.0, self.completion_price or 0.0
        return (prompt_tokens * prompt + completion_tokens * completion) / _MILLION


class BudgetSpentError(Exception):
    """The next request could exceed the budget; the message says which limit."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """The worst case of one request that is under way, in tokens."""

    prompt_tokens: int
    completion_tokens: int


@dataclass
class Budget:
    """The spending of one run, used from one event loop; the tokens include what is reserved."""

    limits: Limits = field(default_factory=Limits)
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    under_way: int = 0
    deadline: float | None = None

    def start(self, seconds_before: float = 0.0) -> None:
        """Start the clock; `seconds_before` is what earlier runs of the same recording took."""
        if self.limits.seconds is not None:
            self.deadline = monotonic() + self.limits.seconds - seconds_before
        self._settled = asyncio.Event()

    @property
    def seconds_left(self) -> float:
        """Seconds until the time is up; infinite without a limit."""
        return float("inf") if self.deadline is None else self.deadline - monotonic()

    @property
    def usd(self) -> float:
        """What was spent and reserved so far."""
        return self.limits.cost(self.prompt_tokens, self.completion_tokens)

    async def reserve(self, prompt_tokens: int, completion_tokens: int) -> Reservation:
        """Set the worst case of one request aside, waiting for others to settle where only they stand in the way.

        Raises BudgetSpentError if the request could exceed a limit.
        """
        while reason := self._exceeded(prompt_tokens, completion_tokens):
            if self.under_way == 0 or reason in ("requests", "seconds"):
                raise BudgetSpentError(f"budget.{reason} is used up")
            self._settled.clear()
            await self._settled.wait()
        self.spend(prompt_tokens, completion_tokens)
        self.under_way += 1
        return Reservation(prompt_tokens, completion_tokens)

    def settle(self, reserved: Reservation, prompt_tokens: int, completion_tokens: int) -> None:
        """Put what a request really cost in the place of its worst case."""
        self.prompt_tokens += prompt_tokens - reserved.prompt_tokens
        self.completion_tokens += completion_tokens - reserved.completion_tokens
        self.under_way -= 1
        self._settled.set()

    def spend(self, prompt_tokens: int, completion_tokens: int, requests: int = 1) -> None:
        """Count a request that was sent."""
        self.requests += requests
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens

    def _exceeded(self, prompt_tokens: int, completion_tokens: int) -> str | None:
        """The limit that one more request could exceed, or None."""
        limits, prompt, completion = (
            self.limits,
            self.prompt_tokens + prompt_tokens,
            self.completion_tokens + completion_tokens,
        )
        if limits.requests is not None and self.requests + 1 > limits.requests:
            return "requests"
        if self.seconds_left <= 0:
            return "seconds"
        if limits.tokens is not None and prompt + completion > limits.tokens:
            return "tokens"
        if limits.usd is not None and limits.cost(prompt, completion) > limits.usd + 1e-12:
            return "usd"
        return None
