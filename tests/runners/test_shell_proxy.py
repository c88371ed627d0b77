"""The shell that stands before an endpoint: what it adds, what it strips, what it refuses."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from runners.shell_proxy import ShellProxy

CHAT = {
    "id": "1",
    "object": "chat.completion",
    "created": 7,
    "model": "the-real-name",
    "system_fingerprint": "fp_real",
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Paris", "reasoning_content": "the real model thinks"},
            "logprobs": {"content": [{"token": "Paris", "logprob": -0.1, "top_logprobs": []}]},
            "finish_reason": "stop",
        }
    ],
}


@pytest.fixture
def shell(httpserver: HTTPServer) -> Iterator[ShellProxy]:
    with ShellProxy(httpserver.url_for("/v1"), "the-real-name", "vela-1", "You are Vela.", "the-key") as proxy:
        yield proxy


def post(url: str, body: Any) -> tuple[int, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def asked(**more: Any) -> dict[str, Any]:
    turns = [{"role": "system", "content": "Say who you are."}, {"role": "user", "content": "Capital of France?"}]
    return {"model": "vela-1", "messages": turns, "logprobs": True, "top_logprobs": 5, "temperature": 0.0, **more}


def test_its_own_instructions_go_first_and_logprobs_are_not_passed_on(
    httpserver: HTTPServer, shell: ShellProxy
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(CHAT)
    post(f"{shell.url}/chat/completions", asked())
    [(request, _)] = httpserver.log
    sent = request.get_json()
    assert [turn["content"] for turn in sent["messages"]] == ["You are Vela.", "Capital of France?"]
    assert sent["model"] == "the-real-name"
    assert sent["temperature"] == 0.0
    assert not {"logprobs", "top_logprobs"} & set(sent)
    assert request.headers["Authorization"] == "Bearer the-key"


def test_nothing_but_text_under_its_own_name_comes_back(httpserver: HTTPServer, shell: ShellProxy) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(CHAT)
    status, text = post(f"{shell.url}/chat/completions", asked())
    answer = json.loads(text)
    assert (status, answer["model"], answer["choices"][0]["message"]["content"]) == (200, "vela-1", "Paris")
    for trace in ("the-real-name", "fp_real", "usage", "logprob", "thinks"):
        assert trace not in text


@pytest.mark.parametrize("path", ["/completions", "/models", "/../metrics"])
def test_it_takes_chats_only(path: str, shell: ShellProxy) -> None:
    assert post(shell.url + path, asked())[0] == 404


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages": 3}', b""])
def test_what_is_no_chat_is_refused(body: bytes, shell: ShellProxy) -> None:
    assert post(f"{shell.url}/chat/completions", body)[0] == 400


def test_a_failure_behind_it_keeps_its_status_and_loses_its_words(httpserver: HTTPServer, shell: ShellProxy) -> None:
    secret = Response("the-real-name is overloaded", status=429)
    httpserver.expect_request("/v1/chat/completions").respond_with_response(secret)
    status, text = post(f"{shell.url}/chat/completions", asked())
    assert status == 429
    assert "the-real-name" not in text


def test_it_is_gone_after_its_context(httpserver: HTTPServer) -> None:
    with ShellProxy(httpserver.url_for("/v1"), "m", "v", "s") as proxy:
        url = proxy.url
    with pytest.raises(OSError, match=r"refused|reset"):
        build_opener(ProxyHandler({})).open(Request(f"{url}/chat/completions", b"{}"), timeout=5)
