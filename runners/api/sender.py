"""Sends requests within rate, budget and retries, and keeps what came back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from probes.errors import CandidateError
from runners.api.connection import Connection
from runners.api.custody import Custody
from runners.api.exchange import Attempt, Exchange, Key
from runners.api.retry import RetryPolicy, hopeless
from runners.api.worst_case import WorstCase
from runners.budget import Budget, BudgetSpentError, Reservation
from runners.images import by_reference


@dataclass
class Sender:
    """One for a run; used from one event loop. `requests_per_second` spaces the requests, retries included."""

    connection: Connection
    custody: Custody
    budget: Budget
    policy: RetryPolicy
    requests_per_second: float | None = None
    worst_case: WorstCase = field(default_factory=WorstCase)
    _next_slot: float = 0.0

    async def exchange(self, key: Key, path: str, request: Mapping[str, Any]) -> Exchange:
        """Ask one thing, unless an earlier run kept the answer. Raises CandidateError where no request can succeed."""
        kept_as = by_reference(request)
        kept = self.custody.find(key, path, kept_as)
        if kept is not None:
            return kept
        attempts: list[Attempt] = []
        before, after, unsent = [0, 0], [0, 0], None
        while True:
            try:
                attempt, reserved, cost = await self._attempt(path, request)
            except BudgetSpentError as error:
                unsent = str(error)
                break
            attempts.append(attempt)
            for place in (0, 1):
                before[place], after[place] = before[place] + reserved[place], after[place] + cost[place]
            if hopeless(attempt):
                failed = Exchange(key, path, kept_as, tuple(attempts))
                raise CandidateError(f"{self.connection.base_url} refuses to serve: {failed.failure}")
            wait = self.policy.wait(attempt, len(attempts))
            if wait is None:
                break
            if wait >= self.budget.seconds_left:
                unsent = "budget.seconds would be used up"
                break
            await asyncio.sleep(wait)
        exchange = Exchange(key, path, kept_as, tuple(attempts), unsent)
        self.custody.keep(exchange, (after[0] - before[0], after[1] - before[1]))
        return exchange

    async def _attempt(self, path: str, request: Mapping[str, Any]) -> tuple[Attempt, tuple[int, int], tuple[int, int]]:
        """One attempt, the tokens reserved for it, and those that it cost."""
        await self._wait_for_slot()
        worst = self.worst_case.of(request)
        reservation = await self.budget.reserve(*worst)
        cost = worst
        try:
            self.custody.sending(*worst)
            timeout_s = min(self.connection.timeout_s, self.budget.seconds_left)
            attempt = await self.connection.send(path, request, max(timeout_s, 0.001))
            cost = self._cost(attempt, reservation, request)
        finally:
            self.budget.settle(reservation, *cost)
        return attempt, worst, cost

    def _cost(self, attempt: Attempt, reserved: Reservation, request: Mapping[str, Any]) -> tuple[int, int]:
        """What an attempt cost: as its usage says; nothing for a refusal; the worst case where nobody knows."""
        if attempt.status is not None and attempt.status != 200 and attempt.fault is None:
            return 0, 0
        prompt, completion = attempt.usage
        self.worst_case.learn(request, prompt, completion)
        return (
            reserved.prompt_tokens if prompt is None else prompt,
            reserved.completion_tokens if completion is None else completion,
        )

    async def _wait_for_slot(self) -> None:
        if self.requests_per_second is None:
            return
        now = asyncio.get_running_loop().time()
        slot = max(now, self._next_slot)
        self._next_slot = slot + 1 / self.requests_per_second
        if slot - now < self.budget.seconds_left:  # past the deadline the reservation says no at once
            await asyncio.sleep(slot - now)
