"""What is sent for a canary: the body of the request, by route."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from probes.canary import Canary, Message
from runners.api.found import CHAT, Found, Route
from runners.backends.interface import Request
from runners.images import chat_turns

CONTINUE = (
    "Continue the following text. Answer with the continuation only: no introduction, no quotation marks, "
    "no repetition of the text.\n\n"
)
"""Put before plain text that has to go through chat. It stands in the manifest, under `access.continuation`."""


@dataclass(frozen=True)
class Payloads:
    """Makes requests for one model. `extra_body` goes into every one of them (a router's provider, for instance)."""

    model: str
    system_prompt: str | None = None
    extra_body: dict[str, Any] = field(default_factory=dict)
    reasoning_tokens: int = 1024
    continuation: str = CONTINUE

    def of(self, request: Request, found: Found, top_k: int) -> tuple[Route, dict[str, Any]]:
        """The route and the body for one draw of a canary; `top_k` 0 asks for no logprobs."""
        canary = request.canary
        route = found.text_route if canary.messages is None else found.chat_route
        tokens = canary.max_tokens + (self.reasoning_tokens if found.reasoning else 0)
        body = self.body(route, self.prompt(canary, route), tokens)
        if route.temperature:
            body["temperature"] = 0.0 if request.greedy else request.temperature
            body["top_p"] = 1.0 if request.greedy else request.top_p
        if route.seed and not request.greedy:
            body["seed"] = request.seed
        if request.greedy and top_k and route.ask_logprobs:
            body |= logprobs(route.path, min(top_k, route.ask_logprobs))
        return route, body

    def body(self, route: Route, prompt: str | list[dict[str, Any]], max_tokens: int) -> dict[str, Any]:
        """What all requests share."""
        asked = {"messages": prompt} if route.path == CHAT else {"prompt": prompt}
        return {**self.extra_body, "model": self.model, **asked, route.limit: max_tokens}

    def prompt(self, canary: Canary, route: Route) -> str | list[dict[str, Any]]:
        """The prompt as the route takes it: messages for chat, else text."""
        if route.path == CHAT:
            turns = canary.messages or (Message("user", self.continuation + (canary.text or "")),)
            return chat_turns(
                [{"role": turn.role, "content": turn.content} for turn in self._with_system(turns)], canary
            )
        if canary.messages is not None:
            return transcript(self._with_system(canary.messages))
        return canary.text if self.system_prompt is None else f"{self.system_prompt}\n\n{canary.text}"

    def _with_system(self, turns: Sequence[Message]) -> Sequence[Message]:
        if self.system_prompt is None:
            return turns
        return [Message("system", self.system_prompt), *(turn for turn in turns if turn.role != "system")]


def transcript(turns: Sequence[Message]) -> str:
    """A chat as plain text, for endpoints without chat: the words that `FALLBACK_CHAT_TEMPLATE` renders."""
    return "".join(f"{turn.role.capitalize()}: {turn.content}\n" for turn in turns) + "Assistant:"


def logprobs(path: str, count: int) -> dict[str, Any]:
    """How each route is asked for logprobs."""
    return {"logprobs": True, "top_logprobs": count} if path == CHAT else {"logprobs": count}
