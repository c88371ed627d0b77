"""A deterministic OpenAI-compatible endpoint on loopback, which counts what it is asked and misbehaves on demand."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from werkzeug import Request, Response

FIRST = (" the", " a", " of", " Paris", " and", " is", "\n", " not", " one", " it")
NAME = "made-up-1"


@dataclass
class Endpoint:
    """Answers by the hash of the prompt alone. `faults` may answer a request in the place of what is right.

    `most_logprobs` is what it allows: more is refused with HTTP 400 where `strict`, else silently cut.
    """

    completions: bool = True
    chat: bool = True
    most_logprobs: int = 20
    strict: bool = True
    usage: bool = True
    echo: bool = True
    fixed: bool = False  # ignores temperature
    restless: bool = False  # ignores temperature 0
    model: str = NAME
    think: str | None = None
    beside: bool = False  # thoughts in reasoning_content
    key: str | None = None
    faults: Callable[[dict[str, Any], int], Response | None] = lambda body, number: None
    asked: list[dict[str, Any]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        """Handle one request."""
        body = json.loads(request.get_data())
        with self.lock:
            self.asked.append({"path": request.path, **body})
            number = len(self.asked)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
                return refuse(401, f"Incorrect API key provided: {request.headers.get('Authorization')}")
            return self.faults(body, number) or self.answer(request.path, body)
        finally:
            with self.lock:
                self.under_way -= 1

    def answer(self, path: str, body: dict[str, Any]) -> Response:
        """What a well-behaved endpoint says."""
        if path.endswith("/chat/completions"):
            return self._chat(body) if self.chat else refuse(404, "no such route")
        return self._completion(body) if self.completions else refuse(404, "no such route")

    def _chat(self, body: dict[str, Any]) -> Response:
        count = body.get("top_logprobs", 0) if body.get("logprobs") else 0
        if count > self.most_logprobs and self.strict:
            return refuse(400, f"top_logprobs must be at most {self.most_logprobs}")
        tokens, tops = self._tokens(json.dumps(body["messages"]), body, min(count, self.most_logprobs))
        prefix = "" if self.think is None or self.beside else f"<think>{self.think}</think>"
        message = {"role": "assistant", "content": prefix + "".join(tokens)}
        if self.think is not None and self.beside:
            message["reasoning_content"] = self.think
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "length", "logprobs": None}
        if tops:
            thoughts = [{"token": prefix, "logprob": 0.0, "bytes": list(prefix.encode())}] if prefix else []
            choice["logprobs"] = {"content": thoughts + [_entry(*pair) for pair in zip(tokens, tops, strict=True)]}
        return self._respond(body, choice, "chat.completion", len(tokens))

    def _completion(self, body: dict[str, Any]) -> Response:
        count = body.get("logprobs") or 0
        if count > self.most_logprobs and self.strict:
            return refuse(400, f"logprobs must be at most {self.most_logprobs}")
        tokens, tops = self._tokens(body["prompt"], body, min(count, self.most_logprobs))
        if body.get("echo") and self.echo:
            words = body["prompt"].split(" ")
            tokens, tops = [*words, *tokens], [{word: -1.0} for word in words] + tops
        choice: dict[str, Any] = {"index": 0, "text": "".join(tokens), "finish_reason": "length", "logprobs": None}
        if body.get("echo") and self.echo:
            choice["text"] = body["prompt"] + "".join(tokens[len(words) :])
        if tops:
            first = [top.get(token, -1.0) for token, top in zip(tokens, tops, strict=True)]
            choice["logprobs"] = {"tokens": tokens, "token_logprobs": first, "top_logprobs": tops}
        return self._respond(body, choice, "text_completion", len(tokens))

    def _tokens(self, prompt: str, body: dict[str, Any], count: int) -> tuple[list[str], list[dict[str, float]]]:
        """Three tokens, by the hash of prompt, seed and temperature; the alternatives at each."""
        seeded = f"{body.get('seed')}" if body.get("temperature", 1) > 0 and not self.fixed else ""
        noise = f"{len(self.asked)}" if self.restless else ""
        digest = hashlib.sha256(f"{prompt}/{seeded}/{noise}".encode()).digest()
        tokens = [FIRST[digest[place] % len(FIRST)] for place in range(min(3, body.get("max_tokens", 3)))]
        tops = []
        for token in tokens if count else []:
            others = [one for one in FIRST if one != token][: count - 1]
            tops.append({token: -0.5} | {one: -3.0 - place / 4 for place, one in enumerate(others)})
        return tokens, tops

    def _respond(self, body: dict[str, Any], choice: dict[str, Any], kind: str, tokens: int) -> Response:
        answer: dict[str, Any] = {"id": "x-1", "object": kind, "created": 1, "model": self.model, "choices": [choice]}
        if self.usage:
            prompt = len(json.dumps(body.get("prompt") or body.get("messages"))) // 4
            answer["usage"] = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}
        return Response(json.dumps(answer), content_type="application/json", headers={"x-request-id": "r-1"})


def refuse(status: int, message: str, **headers: str) -> Response:
    """An error as OpenAI spells it."""
    return Response(json.dumps({"error": {"message": message}}), status, headers, content_type="application/json")


def _entry(token: str, top: dict[str, float]) -> dict[str, Any]:
    listed = [{"token": one, "logprob": value, "bytes": list(one.encode())} for one, value in top.items()]
    return {"token": token, "logprob": top[token], "bytes": list(token.encode()), "top_logprobs": listed}
