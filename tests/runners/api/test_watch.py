"""`kinprint watch` and `kinprint same` against an endpoint on loopback whose model changes in the middle."""

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from runners.cli import main
from tests.endpoint import NAME, Endpoint


def words(url: str, out: Path, *more: str) -> list[str]:
    backend = ["backend=openai_api", f"backend.base_url={url}", "backend.api_key_env=null", "backend.first_wait=0"]
    return [*backend, f"candidate.model={NAME}", f"out={out}", *more]


def watch(url: str, out: Path, *more: str) -> int:
    return main(["watch", *words(url, out, "interval_seconds=0", *more)])


def state(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "watch.json").read_text("utf-8"))
    return found


def swap(endpoint: Endpoint) -> None:
    """From now on another model answers: what it says has nothing to do with what was said before."""

    def other(body: dict[str, Any], number: int) -> Response:
        key = "prompt" if "prompt" in body else "messages"
        turned = body[key] + "?" if key == "prompt" else [*body[key], {"role": "user", "content": "?"}]
        return endpoint.answer("/v1/completions" if key == "prompt" else "/v1/chat/completions", {**body, key: turned})

    endpoint.faults = other


@pytest.mark.parametrize("tier", ["topk", "text"])
def test_a_swapped_model_is_noticed_within_15_queries_and_a_quiet_one_is_not(
    tier: str, endpoint: Endpoint, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.fixed = tier == "text"  # else the draws of this endpoint are mere noise
    out = tmp_path / "watch"
    assert watch(url, out, f"tier={tier}", "rounds=3") == 0
    assert "quiet" in capsys.readouterr().out
    quiet = state(out)
    assert quiet["queries"] == 15
    assert quiet["noticed"] is None
    assert quiet["process"]["rounds"] == 3
    before = len(endpoint.asked)
    swap(endpoint)
    assert watch(url, out, f"tier={tier}", "rounds=4") == 1
    assert "changed" in capsys.readouterr().out
    assert state(out)["noticed"] - quiet["queries"] <= 15
    assert len(endpoint.asked) - before <= 15  # what the endpoint allows is not found out anew
    assert watch(url, out, f"tier={tier}") == 1
    assert len(endpoint.asked) - before <= 15  # and what was noticed stays noticed


def test_a_watch_against_a_recording_notices_a_model_that_was_never_it(
    endpoint: Endpoint, url: str, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    assert main(["collect", *words(url, known, "suite=quick", "tier=topk")]) == 0
    assert watch(url, tmp_path / "quiet", f"against={known}", "rounds=2") == 0
    swap(endpoint)
    assert watch(url, tmp_path / "swapped", f"against={known}", "rounds=3") == 1
    assert main(["collect", *words(url, tmp_path / "now", "suite=quick", "tier=topk")]) == 0
    assert main(["same", f"a={known}", f"b={tmp_path / 'now'}"]) == 1


def test_a_watch_survives_an_outage_and_refuses_to_go_on_as_another(
    endpoint: Endpoint, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "watch"
    assert watch(url, out, "rounds=1", "backend.retries=0") == 0
    endpoint.faults = lambda body, number: Response("down", 500)
    assert watch(url, out, "rounds=2", "backend.retries=0") == 0
    assert "nothing was heard" in capsys.readouterr().err
    endpoint.faults = lambda body, number: None
    assert watch(url, out, "rounds=1", "backend.retries=0") == 0
    assert state(out)["queries"] == 10
    assert watch(url, out, "alpha=0.05") == 2
    assert "is of another watch (alpha differ)" in capsys.readouterr().err
    (out / "watch.json").write_text("{", "utf-8")
    assert watch(url, out) == 2
    assert "damaged" in capsys.readouterr().err


def test_an_endpoint_without_logprobs_is_to_be_watched_by_text(
    endpoint: Endpoint, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.most_logprobs = 0
    assert watch(url, tmp_path / "watch", "rounds=1") == 2
    assert "watch it with tier=text" in capsys.readouterr().err
    assert watch(url, tmp_path / "greedy", "tier=greedy") == 2
    assert "greedy answers alone can't be watched" in capsys.readouterr().err
