"""What a run sends, counted at the endpoint: budgets, rate, concurrency, and the dry run."""

import time
from pathlib import Path
from typing import Any

import pytest

from probes.errors import CandidateError
from runners.api.custody import read_exchanges
from runners.cli import main
from tests.endpoint import NAME, Endpoint, refuse
from tests.recordings import suite_of
from tests.runners.api.conftest import Collect


def spent(folder: Path) -> tuple[int, int]:
    """Requests and tokens as the kept raw responses show them."""
    attempts = [attempt for exchange in read_exchanges(folder) for attempt in exchange.attempts]
    return len(attempts), sum(sum(count or 0 for count in attempt.usage) for attempt in attempts)


@pytest.mark.parametrize("concurrency", [1, 8])
def test_requests_are_never_exceeded_and_no_gap_is_silent(
    endpoint: Endpoint, collect: Collect, concurrency: int, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = collect("text", size=10, limits={"requests": 25}, concurrency=concurrency)
    assert len(endpoint.asked) == 25 == recording.manifest.queries
    assert len(recording.answers) == 50
    unasked = [answer for answer in recording.answers if answer.status == "error"]
    assert len(unasked) == 50 - 25 + recording.manifest.access["negotiation"]["queries"]
    assert {answer.error for answer in unasked} == {"not asked: budget.requests is used up"}
    assert "budget.requests" in capsys.readouterr().err


def test_a_larger_budget_asks_the_rest_and_nothing_twice(endpoint: Endpoint, collect: Collect, tmp_path: Path) -> None:
    collect("text", size=10, limits={"requests": 25})
    again = collect("text", size=10, limits={"requests": 25})
    assert (len(endpoint.asked), again.manifest.counts["error"]) == (25, 50 - again.manifest.counts["ok"])
    whole = collect("text", size=10, limits={"requests": 500})
    assert whole.manifest.counts["ok"] == 50
    assert len(endpoint.asked) == 50 + whole.manifest.access["negotiation"]["queries"] == spent(tmp_path / "run")[0]
    assert not list((tmp_path / "run").glob("*journal*"))
    collect("text", size=10)
    assert len(endpoint.asked) == whole.manifest.queries


def test_retries_count_as_requests(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.faults = lambda body, number: refuse(500, "oops") if number % 2 else None
    collect(size=30, limits={"requests": 30})
    assert len(endpoint.asked) == 30


@pytest.mark.parametrize("limits", [{"tokens": 220}, {"usd": 0.0006, "prompt_price": 1.0, "completion_price": 4.0}])
def test_tokens_and_dollars_are_never_exceeded(collect: Collect, limits: dict[str, float], tmp_path: Path) -> None:
    recording = collect(size=40, limits=limits, concurrency=8)
    assert 0 < recording.manifest.counts["ok"] < 40
    _, tokens = spent(tmp_path / "run")
    assert tokens == recording.manifest.prompt_tokens + recording.manifest.completion_tokens
    usd = recording.manifest.prompt_tokens / 1e6 + recording.manifest.completion_tokens * 4 / 1e6
    assert tokens <= limits.get("tokens", tokens)
    assert usd <= limits.get("usd", usd)


def test_seconds_are_never_exceeded(endpoint: Endpoint, collect: Collect) -> None:
    def slow(body: dict[str, Any], number: int) -> None:
        time.sleep(0.1 if number < 15 else 3)

    endpoint.faults = slow  # type: ignore[assignment]
    start = time.monotonic()
    recording = collect(size=40, limits={"seconds": 2.0})
    assert time.monotonic() - start < 2.6  # the rest is starting and writing
    assert recording.manifest.seconds < 2.1
    assert recording.manifest.counts["error"] > 0


def test_a_budget_too_small_to_begin_with_is_an_error_that_leaves_nothing(
    endpoint: Endpoint, collect: Collect, tmp_path: Path
) -> None:
    with pytest.raises(CandidateError, match=r"budget\.requests"):
        collect(limits={"requests": 3})
    assert len(endpoint.asked) == 3
    assert not (tmp_path / "run").exists()


def test_concurrency_and_rate_are_kept(endpoint: Endpoint, collect: Collect, tmp_path: Path) -> None:
    def slow(body: dict[str, Any], number: int) -> None:
        time.sleep(0.3 if number < 9 else 0.02)  # long enough for three to meet on a busy machine

    endpoint.faults = slow  # type: ignore[assignment]
    collect(size=20, concurrency=3)
    assert endpoint.most_under_way == 3
    before, start = len(endpoint.asked), time.monotonic()
    collect(size=20, concurrency=3, requests_per_second=40.0, out=tmp_path / "slow")
    assert time.monotonic() - start >= (len(endpoint.asked) - before - 1) / 40


def dry_run(capsys: pytest.CaptureFixture[str], url: str, tmp_path: Path, *overrides: str) -> list[list[str]]:
    suite = tmp_path / "tiny.jsonl"
    suite.write_text(suite_of(10).to_jsonl(), "utf-8")
    words = ["backend=openai_api", f"backend.base_url={url}", f"candidate.model={NAME}", "dry_run=true"]
    words += ["suite=file", f"suite.path={suite}", f"out={tmp_path / 'run'}", *overrides]
    assert main(["collect", *words]) == 0
    assert not (tmp_path / "run").exists()
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def test_a_dry_run_sends_nothing_and_promises_no_less_than_is_spent(
    endpoint: Endpoint, url: str, collect: Collect, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    prices = ("budget.prompt_price=1", "budget.completion_price=2")
    lines = {line[0]: line for line in dry_run(capsys, url, tmp_path, "tier=topk", *prices)}
    assert endpoint.asked == []
    for tier in ("topk", "text"):
        recording = collect(tier, size=10, out=tmp_path / tier)
        requests, tokens = spent(tmp_path / tier)
        assert requests <= int(lines[tier][1])
        assert tokens <= int(lines[tier][2].split()[0])
        manifest = recording.manifest
        usd = (manifest.prompt_tokens + 2 * manifest.completion_tokens) / 1e6
        assert usd <= float(lines[tier][3].removeprefix("$"))


def test_a_dry_run_needs_no_key(url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert dry_run(capsys, url, tmp_path, "backend.api_key_env=NOT_THERE")
