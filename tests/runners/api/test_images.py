"""Images through an endpoint: what is sent, what is kept, and a model that takes none beside one that fails."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from probes.recording import Recording
from probes.suite import Suite, load_suite
from runners.api.custody import read_exchanges
from runners.api.worst_case import PER_IMAGE, WorstCase
from runners.images import chat_turns
from tests.endpoint import Endpoint, refuse

Collect = Callable[..., Recording]
SUITE = Suite("pictures", load_suite("image").canaries[:6])
MIXED = Suite("mixed", (*load_suite("chat").canaries[:2], *SUITE.canaries[:4]))


def has_image(body: dict[str, Any]) -> bool:
    return "image_url" in json.dumps(body.get("messages", ""))


def on_images(response: Callable[[], Response]) -> Callable[[dict[str, Any], int], Response | None]:
    return lambda body, number: response() if has_image(body) else None


def test_an_image_stands_before_the_words_as_its_very_bytes(endpoint: Endpoint, collect: Collect) -> None:
    recording = collect(suite=SUITE)
    assert recording.manifest.counts["ok"] == len(SUITE)
    assert recording.manifest.access["takes_images"] is True
    sent = [body["messages"][-1]["content"] for body in endpoint.asked if has_image(body)]
    wanted = []
    for canary in SUITE.canaries:
        assert canary.image is not None
        assert canary.messages is not None
        image = {"type": "image_url", "image_url": {"url": canary.image.data_uri}}
        wanted.append([image, {"type": "text", "text": canary.messages[-1].content}])
    assert sorted(map(str, sent)) == sorted(map(str, wanted))


def test_a_system_prompt_stands_before_it(endpoint: Endpoint, collect: Collect) -> None:
    collect(suite=SUITE, system_prompt="Be brief.")
    bodies = [body for body in endpoint.asked if has_image(body)]
    assert {body["messages"][0]["content"] for body in bodies} == {"Be brief."}


def test_the_recording_holds_each_image_once_and_names_it_by_its_hash(collect: Collect, tmp_path: Path) -> None:
    recording = collect(suite=SUITE)
    kept = {exchange.key[0]: exchange.request for exchange in read_exchanges(recording.folder)}
    for canary in recording.suite.canaries:
        assert canary.image is not None
        assert kept[canary.id]["messages"][-1]["content"][0]["image_url"]["url"] == f"sha256:{canary.image.sha256}"
        assert canary.image.base64 not in json.dumps(kept)
    assert recording.suite == SUITE


def test_a_run_that_was_stopped_finds_what_it_asked_with_images(endpoint: Endpoint, collect: Collect) -> None:
    first = collect(suite=SUITE, limits={"requests": 12})
    asked = sum(map(has_image, endpoint.asked))
    assert 0 < asked < len(SUITE)
    assert first.manifest.counts["error"] == len(SUITE) - asked
    whole = collect(suite=SUITE)
    assert whole.manifest.counts["ok"] == len(SUITE)
    assert sum(map(has_image, endpoint.asked)) == len(SUITE)


@pytest.mark.parametrize("status", [400, 404, 415, 422])
def test_a_model_that_takes_no_images_is_told_from_one_that_fails(
    endpoint: Endpoint, collect: Collect, capfd: pytest.CaptureFixture[str], status: int
) -> None:
    endpoint.faults = on_images(lambda: refuse(status, "made-up-1 does not support image input"))
    recording = collect(suite=MIXED, concurrency=1)
    statuses = {answer.canary_id: answer.status for answer in recording.answers}
    assert [statuses[canary.id] for canary in MIXED.canaries] == ["ok"] * 2 + ["takes_no_images"] * 4
    assert recording.manifest.counts["takes_no_images"] == 4
    assert recording.manifest.counts["error"] == 0
    assert recording.manifest.access["takes_images"] is False
    assert f"takes no images: the endpoint says HTTP {status}: made-up-1 does not support" in capfd.readouterr().err
    assert sum(map(has_image, endpoint.asked)) == 3  # then it is clear


def broken() -> Response:
    return Response("<html>oops", 200, content_type="text/html")


@pytest.mark.parametrize("fault", [lambda: refuse(500, "internal error"), broken], ids=["500", "garbage"])
def test_a_model_that_fails_on_images_is_not_said_to_take_none(
    endpoint: Endpoint, collect: Collect, fault: Callable[[], Response]
) -> None:
    endpoint.faults = on_images(fault)
    recording = collect(suite=MIXED, retries=0)
    assert recording.manifest.counts["error"] == 4
    assert "takes_no_images" not in recording.manifest.counts
    assert "takes_images" not in recording.manifest.access  # it can't be told


def test_one_image_refused_among_others_does_not_speak_for_the_model(endpoint: Endpoint, collect: Collect) -> None:
    seen = []

    def first_three_then_all(body: dict[str, Any], number: int) -> Response | None:
        if not has_image(body):
            return None
        seen.append(number)
        return refuse(400, "odd image") if len(seen) == 2 else None

    endpoint.faults = first_three_then_all
    recording = collect(suite=SUITE, concurrency=1)
    assert recording.manifest.counts["takes_no_images"] == 1
    assert recording.manifest.counts["ok"] == len(SUITE) - 1
    assert recording.manifest.access["takes_images"] is True


def test_a_filtered_image_is_refused_and_not_unseen(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.faults = on_images(lambda: refuse(400, "blocked by content_filter"))
    assert collect(suite=MIXED).manifest.counts["refused"] == 4


def test_no_image_is_sent_where_there_is_no_chat(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.chat = False
    recording = collect(suite=MIXED)
    reasons = {answer.error for answer in recording.answers if answer.status == "takes_no_images"}
    assert reasons == {"the endpoint answers no chat, and images are sent in one"}
    assert not any(map(has_image, endpoint.asked))


def test_a_budget_counts_a_picture_by_tokens_and_not_by_its_letters() -> None:
    canary = load_suite("image").canaries[34]  # noise, the largest
    assert canary.image is not None
    turns = chat_turns([{"role": "user", "content": "What is drawn here?"}], canary)
    prompt_tokens, _ = WorstCase().of({"messages": turns, "max_tokens": 4})
    assert PER_IMAGE < prompt_tokens < PER_IMAGE + 200 < len(canary.image.data_uri)
