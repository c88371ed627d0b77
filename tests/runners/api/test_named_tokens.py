"""Named tokens' logits through an API: found where the returned logprobs honour a bias, and only there."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from runners.api.chosen_tokens import Way, asking, find_way, relative_logits
from runners.api.connection import Connection
from runners.api.custody import Custody
from runners.api.found import CHAT, COMPLETIONS, Route
from runners.api.payloads import Payloads
from runners.api.retry import RetryPolicy
from runners.api.secrets import Secrets
from runners.api.sender import Sender
from runners.budget import Budget

WORDS = [f" w{number}" for number in range(60)]
LOGITS = np.random.default_rng(0).normal(size=60) * 4
CHOSEN = {number: WORDS[number].encode() for number in np.argsort(LOGITS)[:20].tolist()}  # never among the likeliest


@dataclass
class Model:
    """An endpoint that shows the 5 likeliest tokens. What it makes of a bias, and of ids, is set by the tests."""

    honours: bool = True
    by_id: bool = False
    largest: float = 100.0  # larger biases are cut to it
    refuses: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        body = json.loads(request.get_data())
        self.asked.append(body)
        bias = {int(key): min(value, self.largest) for key, value in body.get("logit_bias", {}).items()}
        if bias and self.refuses:
            return Response(json.dumps({"error": {"message": "no such field"}}), 400, content_type="application/json")
        logits = LOGITS.copy()
        for number, value in bias.items() if self.honours else ():
            logits[number] += value
        logprobs = logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
        shown = body["logprob_token_ids"] if self.by_id and "logprob_token_ids" in body else np.argsort(-logprobs)[:5]
        top = {WORDS[number]: round(float(logprobs[number]), 4) for number in shown}
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
        if request.path.endswith(CHAT):
            entries = [{"token": w, "logprob": v, "bytes": list(w.encode())} for w, v in top.items()]
            choice |= {"message": {"content": "x"}, "logprobs": {"content": [{**entries[0], "top_logprobs": entries}]}}
        else:
            choice |= {"text": "x", "logprobs": {"tokens": [" x"], "token_logprobs": [-1.0], "top_logprobs": [top]}}
        return Response(json.dumps({"choices": [choice]}), content_type="application/json")


@pytest.fixture(params=[CHAT, COMPLETIONS])
def route(request: pytest.FixtureRequest) -> Route:
    return Route(request.param, ask_logprobs=5, logprobs=5)


@pytest.fixture
def run(httpserver: HTTPServer, route: Route, tmp_path: Path) -> Any:
    def against(model: Model) -> tuple[Way | None, np.ndarray | None]:
        httpserver.expect_request(f"/v1{route.path}").respond_with_handler(model)

        async def connected() -> tuple[Way | None, np.ndarray | None]:
            connection = Connection(httpserver.url_for("/v1"), Secrets(None), 5.0, 1, None, None, {}, {})
            connection.open()
            budget = Budget()
            budget.start(0.0)
            sender = Sender(connection, custody, budget, RetryPolicy(0, 0.0, 0.0))
            prompt: Any = [{"role": "user", "content": "Go"}] if route.path == CHAT else "Go"
            try:
                ask = asking(sender, Payloads("m"), route, prompt, "c-0")
                way = await find_way(ask, CHOSEN, route)
                return way, None if way is None else await relative_logits(ask, CHOSEN, way)
            finally:
                await connection.close()

        custody = Custody(tmp_path)
        try:
            return asyncio.run(connected())
        finally:
            custody.close()

    return against


def truth() -> np.ndarray:
    return LOGITS[list(CHOSEN)]


def test_a_bias_that_is_honoured_shows_the_logits(run: Any) -> None:
    model = Model()
    way, found = run(model)
    assert way == Way("logit_bias", 5, 100.0)
    np.testing.assert_allclose(found - found[0], truth() - truth()[0], atol=1e-3)
    assert len(model.asked) == 1 + 2 + 6  # by id; two to check the bias; 18 tokens, 3 a request beside the anchors
    assert way.as_access() == {"name": "logit_bias", "width": 5, "bias": 100.0}


def test_a_bias_that_is_cut_is_found_to_be(run: Any) -> None:
    way, found = run(Model(largest=40.0))
    assert way == Way("logit_bias", 5, 30.0)
    np.testing.assert_allclose(found - found[0], truth() - truth()[0], atol=1e-3)


@pytest.mark.parametrize("changes", [{"honours": False}, {"refuses": True}, {"largest": 2.0}])
def test_an_endpoint_that_ignores_the_bias_gives_no_numbers(run: Any, changes: dict[str, Any]) -> None:
    assert run(Model(**changes)) == (None, None)


def test_tokens_are_asked_for_by_id_where_that_works(run: Any) -> None:
    model = Model(by_id=True, honours=False)
    way, found = run(model)
    assert way == Way("logprob_token_ids", 128)
    assert len(model.asked) == 2
    np.testing.assert_allclose(found, truth() - np.log(np.exp(LOGITS).sum()), atol=1e-3)
