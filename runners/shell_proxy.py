"""An API shell: a service with a new name and a system prompt in front of somebody else's model.

It stands here to be probed: it forwards chats to the endpoint behind it, puts its own instructions before them, takes
logprobs, token counts and every trace of the name out of the answers, and offers nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

_CHAT = "/v1/chat/completions"
_STRIPPED = ("logprobs", "top_logprobs", "prompt_logprobs", "return_tokens_as_token_ids", "echo")
_LONGEST_BODY = 10_000_000  # bytes
_direct = build_opener(ProxyHandler({}))  # whatever proxy the environment names, this stays on the machine


@dataclass
class ShellProxy:
    """Serves `upstream` (a URL ending in /v1) as the model `name`, on loopback, while its context lasts."""

    upstream: str
    upstream_model: str
    name: str
    system_prompt: str
    upstream_key: str | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        shell = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if 0 <= length <= _LONGEST_BODY else b""
                status, answer = shell.answer(self.path, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, name="shell proxy", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the shell answers; ends in /v1."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body for a request: chats only."""
        if path != _CHAT:
            return 404, _refusal(f"{self.name} takes chats only")
        try:
            asked = self._asked(json.loads(body))
        except (ValueError, TypeError, KeyError):
            return 400, _refusal("the request is no chat")
        headers = {"Content-Type": "application/json"}
        if self.upstream_key is not None:
            headers["Authorization"] = f"Bearer {self.upstream_key}"
        request = Request(self.upstream.removesuffix("/v1") + _CHAT, json.dumps(asked).encode(), headers)
        try:
            with _direct.open(request) as response:
                return 200, self._disguised(json.load(response))
        except HTTPError as error:
            return error.code, _refusal(f"{self.name} can't answer this")
        except URLError:
            return 503, _refusal(f"{self.name} is not available")

    def _asked(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The request as it goes on: the shell's instructions first, those of others gone, no logprobs."""
        turns = [turn for turn in body["messages"] if turn["role"] != "system"]
        kept = {key: value for key, value in body.items() if key not in _STRIPPED}
        instructions = {"role": "system", "content": self.system_prompt}
        return {**kept, "model": self.upstream_model, "messages": [instructions, *turns], "stream": False}

    def _disguised(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as it comes back: text and the reason why it ended, under the shell's own name."""
        choices = [
            {
                "index": choice["index"],
                "message": {"role": "assistant", "content": choice["message"]["content"]},
                "finish_reason": choice["finish_reason"],
            }
            for choice in answer["choices"]
        ]
        kept = {key: answer[key] for key in ("id", "object", "created") if key in answer}
        return {**kept, "model": self.name, "choices": choices}


def _refusal(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": None}}
