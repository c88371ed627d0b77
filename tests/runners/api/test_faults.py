"""Every way in which an endpoint misbehaves ends as a retried request or a row with its status. Real sockets, loopback."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from probes.answer import Answer
from probes.errors import CandidateError
from runners.api.custody import read_exchanges
from tests.endpoint import Endpoint, refuse
from tests.recordings import suite_of
from tests.runners.api.conftest import Collect

Fault = Callable[[dict[str, Any], int], Response | None]
TARGET = "Sentence 1:"


def of_target(fault: Callable[[], Response], times: int = 10**6) -> Fault:
    """Misbehave on one canary, so many times."""
    left = [times]

    def answer(body: dict[str, Any], number: int) -> Response | None:
        if TARGET not in json.dumps(body) or left[0] == 0:
            return None
        left[0] -= 1
        return fault()

    return answer


def rows(collect: Collect, **settings: Any) -> tuple[Answer, list[Answer]]:
    """The row of the canary that went wrong, and the others."""
    answers = collect(size=4, **settings).answers
    assert [answer.canary_id for answer in answers] == [canary.id for canary in suite_of(4).canaries]
    return answers[1], [answers[0], *answers[2:]]


def asked(endpoint: Endpoint) -> int:
    return sum(TARGET in json.dumps(body) for body in endpoint.asked)


def altered(change: Callable[[dict[str, Any]], Any]) -> Fault:
    """The right answer to one canary, with something changed in it."""

    def answer(body: dict[str, Any], number: int) -> Response | None:
        if TARGET not in json.dumps(body):
            return None
        right = json.loads(Endpoint().answer("/v1/completions", body).get_data())
        change(right)
        return Response(json.dumps(right), content_type="application/json")

    return answer


@pytest.mark.parametrize(
    "fault",
    [
        lambda: refuse(429, "slow down"),
        lambda: refuse(429, "slow down", **{"Retry-After": "0.05"}),
        lambda: refuse(429, "slow down", **{"Retry-After": format_datetime(datetime.now(UTC), usegmt=True)}),
        lambda: refuse(500, "oops"),
        lambda: refuse(503, "busy"),
        lambda: Response('{"choices": [{"te', content_type="application/json"),
        lambda: Response("<html>gateway</html>", content_type="text/html"),
        lambda: Response("[1, 2]", content_type="application/json"),
    ],
    ids=["429", "429-seconds", "429-date", "500", "503", "cut JSON", "HTML", "no object"],
)
def test_a_passing_fault_is_retried(
    endpoint: Endpoint, collect: Collect, fault: Callable[[], Response], tmp_path: Path
) -> None:
    endpoint.faults = of_target(fault, times=2)
    row, others = rows(collect)
    assert row.status == "ok"
    assert {other.status for other in others} == {"ok"}
    assert asked(endpoint) == 3
    kept = {exchange.key: exchange for exchange in read_exchanges(tmp_path / "run")}
    assert len(kept[row.key].attempts) == 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (lambda: refuse(429, "slow down"), "429: slow down, after 3 attempts"),
        (lambda: refuse(500, "oops"), "500: oops, after 3 attempts"),
        (lambda: Response("{", content_type="application/json"), "not a JSON object, after 3 attempts"),
    ],
)
def test_a_lasting_fault_becomes_a_row(
    endpoint: Endpoint, collect: Collect, fault: Callable[[], Response], error: str
) -> None:
    endpoint.faults = of_target(fault)
    row, others = rows(collect, retries=2)
    assert (row.status, row.text, row.topk_logprobs) == ("error", None, None)
    assert error in (row.error or "")
    assert {other.status for other in others} == {"ok"}


def test_retry_after_is_honoured(endpoint: Endpoint, collect: Collect) -> None:
    times: list[float] = []

    def fault() -> Response:
        times.append(time.monotonic())
        return refuse(429, "slow down", **{"Retry-After": "1"})

    endpoint.faults = of_target(fault, times=2)
    assert rows(collect)[0].status == "ok"
    assert times[1] - times[0] >= 0.99


@pytest.mark.parametrize("told", ["3600", format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)])
def test_an_endpoint_that_wants_an_hour_is_not_waited_for(endpoint: Endpoint, collect: Collect, told: str) -> None:
    endpoint.faults = of_target(lambda: refuse(429, "come back tomorrow", **{"Retry-After": told}))
    row, _ = rows(collect)
    assert row.status == "error"
    assert asked(endpoint) == 1


def test_a_request_that_is_wrong_is_not_repeated(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.faults = of_target(lambda: refuse(400, "context too long"))
    row, _ = rows(collect)
    assert (row.status, row.error) == ("error", "HTTP 400: context too long")
    assert asked(endpoint) == 1


def test_timeouts_are_retried_and_then_a_row(endpoint: Endpoint, collect: Collect) -> None:
    done = threading.Event()

    def fault() -> Response:
        done.wait(1.5)
        return refuse(500, "too late")

    endpoint.faults = of_target(fault)
    row, others = rows(collect, retries=1, timeout_s=0.3)
    done.set()
    assert row.error == "no answer within 0.3 s, after 2 attempts"
    assert {other.status for other in others} == {"ok"}


def test_a_trickle_of_bytes_does_not_outlast_the_timeout(endpoint: Endpoint, collect: Collect) -> None:
    def trickle() -> Iterator[bytes]:
        for _ in range(20):
            time.sleep(0.1)
            yield b" "

    endpoint.faults = of_target(lambda: Response(trickle(), content_type="application/json"))
    row, _ = rows(collect, retries=0, timeout_s=0.4)
    assert row.error == "no answer within 0.4 s"


@pytest.mark.parametrize("length", [0, 10_000])
def test_a_connection_that_breaks_in_the_middle_is_retried(
    endpoint: Endpoint, collect: Collect, length: int, tmp_path: Path
) -> None:
    endpoint.faults = of_target(
        lambda: Response(iter([b'{"choices": [']), headers={"Content-Length": str(length or 999)}), times=1
    )
    row, _ = rows(collect)
    assert row.status == "ok"
    assert asked(endpoint) == 2


def test_a_reset_without_a_word_is_a_row(collect: Collect) -> None:
    """A server that accepts, reads, and resets the connection; the negotiation is where it shows first."""
    server = socket.create_server(("127.0.0.1", 0))

    def reset() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connection.recv(100)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

    threading.Thread(target=reset, daemon=True).start()
    with pytest.raises(CandidateError, match="the connection failed"):
        collect(retries=1, url_override=f"http://127.0.0.1:{server.getsockname()[1]}/v1")
    server.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 3.5, "high", True])
def test_a_number_that_is_no_logprob_is_an_error_and_not_kept(endpoint: Endpoint, collect: Collect, value: Any) -> None:
    endpoint.faults = altered(lambda right: _first_top(right).update({" the": value}))
    row, _ = rows(collect)
    assert (row.status, row.topk_logprobs) == ("error", None)
    assert "as a logprob" in (row.error or "")


@pytest.mark.parametrize("value", [float("-inf"), -9999.0, None])
def test_an_impossible_token_is_left_out(endpoint: Endpoint, collect: Collect, value: float | None) -> None:
    endpoint.faults = altered(lambda right: _first_top(right).update({" impossible": value}))
    row, _ = rows(collect)
    assert row.status == "ok"
    assert b" impossible" not in (row.topk_bytes or ())


def test_logprobs_that_sum_to_more_than_one_are_an_error(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.faults = altered(lambda right: _first_top(right).update({" x": -0.1, " y": -0.1}))
    row, _ = rows(collect)
    assert row.status == "error"
    assert "sum to" in (row.error or "")


def test_duplicate_tokens_count_once(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.completions = False
    collect(size=4)  # what the answer is when all is well
    entry = {"token": " the", "logprob": -1.0, "bytes": list(b" the")}

    def fault() -> Response:
        choice = {"message": {"content": " the"}, "logprobs": {"content": [{**entry, "top_logprobs": [entry, entry]}]}}
        return Response(json.dumps({"model": endpoint.model, "choices": [choice]}), content_type="application/json")

    endpoint.faults = of_target(fault)
    row, _ = rows(collect, out=Path(f"{collect.__name__}"), model="other") if False else rows_again(collect, endpoint)
    assert row.topk_bytes == (b" the",)


def rows_again(collect: Collect, endpoint: Endpoint) -> tuple[Answer, list[Answer]]:
    answers = collect(size=4, out=_beside(collect)).answers
    return answers[1], list(answers)


def _beside(collect: Collect) -> Path:
    return collect.__defaults__[3].parent / "again" if False else Path(_OUT[0])


_OUT: list[str] = []
