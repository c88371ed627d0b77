"""Budgets: a limit holds whatever the concurrency, and what is not known to be cheap counts as dear."""

import asyncio

import pytest

from probes.errors import KinprintError
from runners.budget import Budget, BudgetSpentError, Limits


def spend(budget: Budget, worst: tuple[int, int], real: tuple[int, int], times: int, concurrency: int) -> int:
    """How many of `times` requests were let through, `concurrency` at a time."""
    sent = 0

    async def worker(waiting: list[int]) -> None:
        nonlocal sent
        while waiting:
            waiting.pop()
            try:
                reserved = await budget.reserve(*worst)
            except BudgetSpentError:
                continue
            limits = budget.limits
            assert limits.tokens is None or budget.prompt_tokens + budget.completion_tokens <= limits.tokens
            await asyncio.sleep(0)
            sent += 1
            budget.settle(reserved, *real)

    async def run() -> None:
        budget.start()
        waiting = list(range(times))
        await asyncio.gather(*(worker(waiting) for _ in range(concurrency)))

    asyncio.run(run())
    return sent


@pytest.mark.parametrize("concurrency", [1, 7])
def test_requests_are_never_exceeded(concurrency: int) -> None:
    assert spend(Budget(Limits(requests=5)), (10, 10), (1, 1), 50, concurrency) == 5


@pytest.mark.parametrize("concurrency", [1, 7])
def test_tokens_are_used_up_to_what_the_worst_case_allows(concurrency: int) -> None:
    budget = Budget(Limits(tokens=100))
    assert spend(budget, (20, 20), (5, 5), 50, concurrency) == 7  # after 7 only 30 are left, and 40 could be needed
    assert budget.prompt_tokens + budget.completion_tokens == 70


def test_dollars_follow_the_prices() -> None:
    limits = Limits(usd=0.001, prompt_price=10.0, completion_price=100.0)
    assert spend(Budget(limits), (10, 1), (10, 1), 50, 3) == 5  # 0.0002 each


def test_time_that_is_up_lets_nothing_through() -> None:
    assert spend(Budget(Limits(seconds=0.0)), (1, 1), (1, 1), 5, 2) == 0


def test_earlier_runs_count() -> None:
    budget = Budget(Limits(requests=5, seconds=100.0))
    budget.spend(0, 0, requests=4)
    assert spend(budget, (1, 1), (1, 1), 5, 2) == 1
    budget.start(seconds_before=99.0)
    assert budget.seconds_left <= 1


@pytest.mark.parametrize(
    "limits",
    [{"requests": -1}, {"tokens": -1}, {"seconds": float("nan")}, {"usd": 1.0}, {"usd": 1.0, "prompt_price": 1}],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(KinprintError, match="budget"):
        Limits(**limits)  # type: ignore[arg-type]
