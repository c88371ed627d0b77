"""Every way in which an endpoint misbehaves ends as a retried request or a row with its status."""

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


TOMORROW = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)


# Named, since a date as a name differs between two workers that collect at a second's turn.
@pytest.mark.parametrize("told", ["3600", TOMORROW], ids=["seconds", "date"])
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
        collect(retries=1, at=f"http://127.0.0.1:{server.getsockname()[1]}/v1")
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
    entry = {"token": " the", "logprob": -1.0, "bytes": list(b" the")}
    choice = {"message": {"content": " the"}, "logprobs": {"content": [{**entry, "top_logprobs": [entry, entry]}]}}
    endpoint.faults = of_target(lambda: _json({"model": endpoint.model, "choices": [choice]}))
    row, _ = rows(collect)
    assert (row.status, row.topk_bytes) == ("ok", (b" the",))


@pytest.mark.parametrize(
    "change",
    [
        lambda choice: choice.update(logprobs=None),
        lambda choice: choice.pop("logprobs"),
        lambda choice: choice.update(logprobs={}),
        lambda choice: choice.update(logprobs={"tokens": [], "top_logprobs": []}),
        lambda choice: choice["logprobs"].update(tokens=5),
        lambda choice: choice["logprobs"].update(top_logprobs=[None], token_logprobs=[None]),
    ],
)
def test_missing_logprobs_are_a_status_and_the_text_is_kept(
    endpoint: Endpoint, collect: Collect, change: Callable[[dict[str, Any]], Any]
) -> None:
    endpoint.faults = altered(lambda right: change(right["choices"][0]))
    row, _ = rows(collect)
    assert (row.status, row.topk_logprobs) == ("no_logprobs", None)
    assert row.text


def test_fewer_logprobs_than_usual_are_kept_as_they_are(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.faults = altered(lambda right: _first_top(right).pop(" it", None) or _first_top(right).pop("\n", None))
    row, others = rows(collect)
    assert row.status == "ok"
    assert len(row.topk_logprobs or ()) < max(len(other.topk_logprobs or ()) for other in others)


def test_lists_of_different_lengths_do_not_shift_the_numbers(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.faults = altered(lambda right: right["choices"][0]["logprobs"].update(top_logprobs=[]))
    row, _ = rows(collect)
    assert row.topk_logprobs is not None
    assert len(row.topk_logprobs) == 1  # the chosen token's own


@pytest.mark.parametrize("text", ["", "  \n", None])
def test_blank_text_is_empty(endpoint: Endpoint, collect: Collect, text: str | None) -> None:
    endpoint.faults = altered(lambda right: right["choices"][0].update(text=text, logprobs=None))
    row, _ = rows(collect)
    assert (row.status, row.error) == ("empty", "the answer holds no text")


def test_a_filtered_answer_is_refused(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.faults = altered(lambda right: right["choices"][0].update(finish_reason="content_filter", text=""))
    assert rows(collect)[0].status == "refused"


def test_a_filtered_request_is_refused(endpoint: Endpoint, collect: Collect) -> None:
    body = {"error": {"code": "content_filter", "message": "filtered by policy"}}
    endpoint.faults = of_target(lambda: Response(json.dumps(body), 400, content_type="application/json"))
    row, _ = rows(collect)
    assert (row.status, row.error) == ("refused", "HTTP 400: filtered by policy")


def test_a_refusal_in_words_of_the_api_is_refused(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.completions = False
    message = {"content": None, "refusal": "I can't help with that."}
    endpoint.faults = of_target(lambda: _json({"model": endpoint.model, "choices": [{"message": message}]}))
    row, _ = rows(collect)
    assert (row.status, row.error) == ("refused", "I can't help with that.")


def test_a_model_that_changes_its_name_is_noticed(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.faults = altered(lambda right: right.update(model="another-model"))
    row, others = rows(collect)
    assert row.status == "error"
    assert "'another-model'" in (row.error or "")
    assert {other.status for other in others} == {"ok"}


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": None}, {"choices": [7]}, {"error": "no capacity"}])
def test_an_answer_without_a_choice_is_a_row(endpoint: Endpoint, collect: Collect, body: dict[str, Any]) -> None:
    endpoint.faults = of_target(lambda: _json(body))
    row, _ = rows(collect)
    assert row.status == "error"
    assert "holds no choice" in (row.error or "")


@pytest.mark.parametrize(
    "change",
    [
        {"usage": None},
        {"usage": {"prompt_tokens": "many"}},
        {"usage": {"prompt_tokens": -1, "completion_tokens": 1e99}},
        {"model": 7},
    ],
)
def test_nonsense_beside_the_answer_does_no_harm(endpoint: Endpoint, collect: Collect, change: dict[str, Any]) -> None:
    endpoint.faults = altered(lambda right: right.update(change))
    assert rows(collect)[0].status == "ok"


def test_half_a_surrogate_pair_can_be_stored(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.faults = altered(lambda right: right["choices"][0].update(text="so \ud83d"))
    assert rows(collect)[0].text == "so ?"


def test_a_key_that_is_not_accepted_ends_the_run_in_one_sentence(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.key = "another"
    with pytest.raises(CandidateError, match="HTTP 401"):
        collect()
    assert len(endpoint.asked) == 1


def test_an_empty_account_ends_the_run_and_keeps_what_was_answered(
    endpoint: Endpoint, collect: Collect, tmp_path: Path
) -> None:
    broke = Response(json.dumps({"error": {"code": "insufficient_quota", "message": "pay"}}), 429)
    endpoint.faults = lambda body, number: broke if number > 12 else None
    with pytest.raises(CandidateError, match="pay"):
        collect(size=10, concurrency=1)
    endpoint.faults = lambda body, number: None
    before = len(endpoint.asked)
    recording = collect(size=10)
    assert recording.manifest.counts["ok"] == 10
    assert len(endpoint.asked) - before < 10
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "answers.parquet",
        "manifest.json",
        "raw.jsonl.zst",
        "suite.jsonl",
    ]


def _json(body: Any) -> Response:
    return Response(json.dumps(body), content_type="application/json")


def _first_top(right: dict[str, Any]) -> dict[str, Any]:
    top: dict[str, Any] = right["choices"][0]["logprobs"]["top_logprobs"][0]
    return top


def test_a_run_that_goes_on_asks_again_what_had_failed(endpoint: Endpoint, collect: Collect) -> None:
    down = refuse(503, "busy")
    endpoint.faults = lambda body, number: down if number == 9 else refuse(402, "pay") if number > 12 else None
    with pytest.raises(CandidateError, match="pay"):
        collect(size=10, concurrency=1, retries=0)
    endpoint.faults = lambda body, number: None
    assert collect(size=10, retries=0).manifest.counts["ok"] == 10
