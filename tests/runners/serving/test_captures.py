"""What a server of our own captures, from the side that asks: fetched with its answer, once, and never made up."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probes.answer import Answer
from probes.canary import Canary
from runners.api.exchange import Attempt, Exchange
from runners.backends.captured import CHOSEN_IDS, KEEP, ROW, Capture
from runners.backends.interface import Request
from runners.serving.captures import Captures
from tests.recordings import suite_of

CANARY: Canary = suite_of(1).canaries[0]
GREEDY, DRAWN = Request(CANARY, 0, 1.0, 1.0, 0), Request(CANARY, 1, 1.0, 1.0, 0)
ANSWER = Answer(CANARY.id, 0, "empty", text="", error="the answer holds no text")
BODY = {"choices": [{"token_ids": [2], "prompt_token_ids": [0, 1]}]}


@pytest.fixture
def captures(tmp_path: Path) -> Captures:
    return Captures(tmp_path, (b"a", b"b", b""))


def exchange(settings: dict[str, Any], body: dict[str, Any] = BODY) -> Exchange:
    attempt = Attempt(200, {}, json.dumps(body), None, "2026-01-01", 1.0)
    return Exchange((CANARY.id, 0), "/completions", {"prompt": "x", **settings}, (attempt,))


@pytest.mark.parametrize(
    ("tier", "positions", "keep"),
    [
        ("logits", "last", ["vocabulary"]),
        ("logits", "every", ["vocabulary", "every"]),
        ("topk", "chosen", ["chosen"]),
        ("topk", "surprisal", ["surprisal"]),
    ],
)
def test_a_greedy_request_asks_for_what_is_wanted(captures: Captures, tier: Any, positions: Any, keep: Any) -> None:
    captures.keep(positions, np.array([1, 2], np.int32))
    one, other = captures.settings(GREEDY, tier), captures.settings(GREEDY, tier)
    assert one["vllm_xargs"][KEEP] == keep
    assert one["vllm_xargs"][ROW] != other["vllm_xargs"][ROW]
    assert one["cache_salt"] != other["cache_salt"]
    assert captures.settings(DRAWN, tier) == {}
    assert np.load(captures.folder / CHOSEN_IDS).tolist() == [1, 2]


def test_nothing_is_asked_where_the_answer_says_all(captures: Captures) -> None:
    assert captures.settings(GREEDY, "topk") == {}
    assert captures.fetch(ANSWER, exchange({})) == (ANSWER, None, None)


@pytest.mark.parametrize("chat", [False, True])
def test_what_was_captured_completes_the_answer(captures: Captures, chat: bool) -> None:
    captures.keep("every", np.array([1], np.int32))
    settings = captures.settings(GREEDY, "logits")
    rows = np.array([[1.0], [2.0]], np.float32)
    path = captures.folder / f"{settings['vllm_xargs'][ROW]}.safetensors"
    Capture(np.ones(3, np.float32), None, np.array([np.nan, -1.0], np.float32), rows).write(path)
    body = {"choices": [{"token_ids": [2]}], "prompt_token_ids": [0, 1]} if chat else BODY
    answer, logits, positions = captures.fetch(ANSWER, exchange(settings, body))
    assert (answer.status, answer.error, answer.token_ids, answer.token_bytes) == ("ok", None, (2,), (b"",))
    assert answer.prompt_token_bytes == (b"a", b"b")
    assert answer.prompt_logprobs is not None
    assert answer.prompt_logprobs[1] == -1.0
    assert logits is not None
    np.testing.assert_array_equal(logits, np.ones(3))
    np.testing.assert_array_equal(positions, rows)
    assert not path.exists()


def test_a_capture_that_is_lost_or_broken_is_an_error(captures: Captures) -> None:
    settings = captures.settings(GREEDY, "logits")
    assert captures.fetch(ANSWER, exchange(settings)).answer.status == "error"
    path = captures.folder / f"{settings['vllm_xargs'][ROW]}.safetensors"
    Capture(np.full(3, np.nan, np.float32)).write(path)
    found = captures.fetch(replace(ANSWER, status="ok"), exchange(settings))
    assert (found.answer.status, found.answer.error) == ("error", "the model's logits are not finite numbers")
