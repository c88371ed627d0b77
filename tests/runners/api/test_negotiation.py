"""Negotiation: what an endpoint allows is found out by asking, and the tier follows from it."""

import pytest

from probes.canary import Message
from probes.errors import CandidateError
from probes.suite import Suite
from tests.endpoint import Endpoint, refuse
from tests.recordings import canary, suite_of
from tests.runners.api.conftest import Collect


def test_everything_is_found_with_a_handful_of_requests(endpoint: Endpoint, collect: Collect) -> None:
    recording = collect(size=6)
    access = recording.manifest.access
    assert len(endpoint.asked) - 6 == access["negotiation"]["queries"] <= 10
    assert recording.manifest.tier == "topk"
    assert recording.manifest.queries == len(endpoint.asked)
    assert (access["logprobs"], access["usage"], access["echo"]) == (20 - 10, True, True)  # ten tokens in all
    assert (access["greedy_repeats"], access["sampling_varies"], access["reasoning"]) == (True, True, False)
    assert (access["model_returned"], access["model_matches"]) == ("made-up-1", True)
    assert access["completions"]["refused"] is None
    assert access["chat"]["token_bytes"]
    assert access["continuation"] is None


@pytest.mark.parametrize("strict", [True, False])
def test_fewer_logprobs_than_asked_are_taken_and_recorded(endpoint: Endpoint, collect: Collect, strict: bool) -> None:
    endpoint.most_logprobs, endpoint.strict = 5, strict
    recording = collect()
    assert recording.manifest.tier == "topk"
    assert recording.manifest.access["logprobs"] == 5
    assert {len(answer.topk_logprobs or ()) for answer in recording.answers} == {5}


def test_without_logprobs_the_tier_is_text_and_the_user_is_told(
    endpoint: Endpoint, collect: Collect, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.most_logprobs = 0
    recording = collect(size=3)
    assert recording.manifest.tier == "text"
    assert recording.manifest.access["asked_tier"] == "topk"
    assert {answer.draw for answer in recording.answers} == {0, 1, 2, 3, 4}
    told = [line for line in capsys.readouterr().err.splitlines() if "recording at tier text" in line]
    assert len(told) == 1
    assert "less certain" in told[0]


def test_a_higher_tier_than_asked_for_is_never_used(collect: Collect) -> None:
    recording = collect("text", size=2)
    assert recording.manifest.tier == "text"
    assert all(answer.topk_logprobs is None for answer in recording.answers)


def test_plain_text_goes_through_chat_where_nothing_else_works(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.completions = False
    recording = collect(size=2)
    asked = endpoint.asked[-1]["messages"][-1]["content"]
    assert asked.endswith("Sentence 1:") or asked.endswith("Sentence 0:")
    assert asked.startswith(recording.manifest.access["continuation"])


def test_chats_become_transcripts_where_only_completions_work(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.chat = False
    chat = canary(0, text=None, messages=(Message("user", "Who are you?"),))
    collect(suite=Suite("tiny", (chat,)))
    assert endpoint.asked[-1]["prompt"] == "User: Who are you?\nAssistant:"


def test_an_endpoint_that_answers_nothing_is_an_error_that_says_why(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.chat = endpoint.completions = False
    with pytest.raises(CandidateError, match="no such route"):
        collect()


def test_an_endpoint_that_ignores_temperature_is_asked_no_draws(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.fixed = True
    recording = collect("text")
    assert recording.manifest.access["sampling_varies"] is False
    assert {answer.draw for answer in recording.answers} == {0}


def test_an_endpoint_that_never_repeats_itself_is_noticed(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.restless = True
    assert collect("text").manifest.access["greedy_repeats"] is False


@pytest.mark.parametrize("beside", [True, False])
def test_a_reasoning_model_is_given_room_and_read_after_its_thoughts(
    endpoint: Endpoint, collect: Collect, beside: bool
) -> None:
    endpoint.completions, endpoint.think, endpoint.beside = False, "Hm.", beside
    recording = collect(size=2)
    assert recording.manifest.access["reasoning"] is True
    assert endpoint.asked[-1]["max_tokens"] == 8 + 1024
    for answer in recording.answers:
        assert answer.status == "ok"
        assert answer.topk_bytes is not None
        assert answer.topk_bytes[0] == (answer.token_bytes or ())[0] != b"<think>Hm.</think>"


def test_a_model_that_takes_neither_max_tokens_nor_temperature(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.completions = False
    endpoint.faults = lambda body, number: (
        refuse(400, "unsupported parameter") if "max_tokens" in body or "temperature" in body else None
    )
    recording = collect(size=2)
    assert recording.manifest.access["chat"]["limit"] == "max_completion_tokens"
    assert recording.manifest.access["chat"]["temperature"] is False
    assert recording.manifest.counts["ok"] == len(recording.answers)


def test_another_model_name_than_the_one_asked_for_is_recorded(endpoint: Endpoint, collect: Collect) -> None:
    endpoint.model = "somebody-elses-model"
    access = collect(size=2).manifest.access
    assert access["model_returned"] == "somebody-elses-model"
    assert access["model_matches"] is False


def test_a_forced_endpoint_is_the_only_one_asked(endpoint: Endpoint, collect: Collect) -> None:
    collect(suite=suite_of(2), endpoint="chat")
    assert {asked["path"] for asked in endpoint.asked} == {"/v1/chat/completions"}
