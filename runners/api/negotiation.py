"""Finding out, with a handful of requests, what an endpoint allows. Nothing is assumed from its name or version."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from probes.errors import CandidateError
from runners.api.answers import after_thoughts, first_choice, reasoning_of, text_of
from runners.api.chosen_tokens import MOST_QUESTIONS, asking, find_way
from runners.api.exchange import NEGOTIATION, Exchange
from runners.api.found import CHAT, COMPLETIONS, Found, Route
from runners.api.payloads import Payloads, logprobs
from runners.api.sender import Sender
from runners.api.token_logprobs import LogprobsError, positions

MOST_LOGPROBS, FEWEST_LOGPROBS = 20, 5
_TEXT, _CHAT = "The capital of France is", [{"role": "user", "content": "Name one colour."}]
_OPEN = "Write one short sentence about anything you like."
_SHORT, _LONG = 4, 24  # tokens


@dataclass
class Negotiation:
    """One negotiation. Its questions are numbered, so that a run killed in the middle of it asks none of them twice.

    `chosen` are the tokens, by id with their bytes, whose logits are wanted; None where none are.
    """

    sender: Sender
    payloads: Payloads
    endpoint: str
    temperature: float
    vocabulary: Sequence[bytes] = ()
    chosen: Mapping[int, bytes] | None = None
    _asked: int = 0
    _usage: list[tuple[int | None, int | None]] = field(default_factory=list)
    _model_returned: str | None = None

    async def find(self, top_k: int) -> Found:
        """Ask. Raises CandidateError if the endpoint can't be reached, or answers in no way that kinprint knows."""
        completions, _ = await self._route(COMPLETIONS, top_k)
        chat, choice = await self._route(CHAT, top_k)
        if not completions.works and not chat.works:
            raise CandidateError(
                f"{self.payloads.model} at {self.sender.connection.base_url} can't be asked: "
                f"completions: {completions.refused}; chat: {chat.refused}"
            )
        found = Found(
            chat, completions, reasoning=choice is not None and _reasons(choice), model_asked=self.payloads.model
        )
        if found.reasoning:
            found = replace(found, chat=await self._after_reasoning(chat))
        found = await self._determinism(found)
        return replace(
            found,
            echo=completions.works and await self._echo(completions),
            chosen_tokens=None if self.chosen is None else await self._chosen(found, self.chosen),
            usage=any(prompt is not None for prompt, _ in self._usage),
            model_returned=self._model_returned,
            queries=self._asked,
            prompt_tokens=sum(prompt or 0 for prompt, _ in self._usage),
            completion_tokens=sum(completion or 0 for _, completion in self._usage),
        )

    async def _route(self, path: str, top_k: int) -> tuple[Route, dict[str, Any] | None]:
        """Try one route in one way after the other, until one works; returns it with what it answered."""
        if self.endpoint != "auto" and path != f"/{self.endpoint}" and not path.startswith(f"/{self.endpoint}/"):
            return Route(path, refused=f"not tried (backend.endpoint={self.endpoint})"), None
        reason = ""
        for route in _ways(path, top_k):
            body = self.payloads.body(route, _TEXT if path == COMPLETIONS else _CHAT, _SHORT)
            body |= ({"temperature": 0.0} if route.temperature else {}) | _wanted(route)
            exchange = await self._ask(path, body)
            if exchange.failure is None:
                choice = first_choice(_body(exchange))
                if choice is not None:
                    return _with_logprobs(route, choice, self.vocabulary), choice
            reason = exchange.failure or "the answer holds no choice"
            if exchange.last is not None and exchange.last.status in (404, 405, 501):
                break
        return Route(path, refused=reason), None

    async def _after_reasoning(self, chat: Route) -> Route:
        """What logprobs there are once the model has finished thinking."""
        body = self.payloads.body(chat, _CHAT, self.payloads.reasoning_tokens + _SHORT)
        body |= ({"temperature": 0.0} if chat.temperature else {}) | _wanted(chat)
        exchange = await self._ask(CHAT, body)
        choice = first_choice(_body(exchange))
        return replace(chat, logprobs=0) if choice is None else _with_logprobs(chat, choice, self.vocabulary)

    async def _determinism(self, found: Found) -> Found:
        """Whether temperature 0 repeats itself, whether a higher one varies, whether a seed is taken."""
        route = found.text_route
        if not route.temperature:
            return found
        greedy = [await self._open_text(route, found, {"temperature": 0.0}) for _ in range(2)]
        warm: dict[str, Any] = {"temperature": self.temperature}
        sampled = [await self._open_text(route, found, {**warm, "seed": seed}) for seed in (1, 2)]
        seeded = None not in sampled
        if not seeded:
            sampled = [await self._open_text(route, found, warm) for _ in range(2)]
        told = None not in (*greedy, *sampled)
        name = "completions" if route.path == COMPLETIONS else "chat"
        return replace(
            found,
            greedy_repeats=greedy[0] == greedy[1] if None not in greedy else None,
            sampling_varies=len({*sampled, greedy[0]}) > 1 if told else None,
            **{name: replace(route, seed=seeded)},
        )

    async def _open_text(self, route: Route, found: Found, settings: Mapping[str, Any]) -> str | None:
        """What the model says to an open question; None if it says nothing."""
        tokens = _LONG + (self.payloads.reasoning_tokens if found.reasoning else 0)
        prompt = _OPEN if route.path == COMPLETIONS else [{"role": "user", "content": _OPEN}]
        exchange = await self._ask(route.path, {**self.payloads.body(route, prompt, tokens), **settings})
        choice = first_choice(_body(exchange)) if exchange.failure is None else None
        return None if choice is None else (text_of(choice) or "") + (reasoning_of(choice) or "")

    async def _echo(self, route: Route) -> bool:
        """Whether the prompt's own logprobs can be had."""
        body = self.payloads.body(route, _TEXT, 1) | {"temperature": 0.0, "echo": True, "logprobs": 1}
        choice = first_choice(_body(await self._ask(COMPLETIONS, body)))
        if choice is None or not (text_of(choice) or "").startswith(_TEXT):
            return False
        try:
            return sum(bool(position.top) for position in positions(choice, self.vocabulary)) > 1
        except LogprobsError:
            return False

    async def _chosen(self, found: Found, tokens: Mapping[int, bytes]) -> dict[str, Any]:
        """Whether the logits of named tokens can be had, and how."""
        if not tokens:
            return {"found": "which tokens the endpoint has is not known: name its tokenizer with backend.tokenizer"}
        if found.reasoning:
            return {"found": "the model reasons before it answers"}
        route = found.text_route
        prompt = _TEXT if route.path == COMPLETIONS else _CHAT
        way, said = await find_way(asking(self._ask, self.payloads, route, prompt), tokens, route.logprobs)
        return {"found": said, **({} if way is None else asdict(way))}

    async def _ask(self, path: str, body: dict[str, Any]) -> Exchange:
        """One question. Raises CandidateError if the endpoint can't be reached at all, or the budget is used up."""
        exchange = await self.sender.exchange((NEGOTIATION, self._asked), path, body)
        self._asked += 1
        last = exchange.last
        if last is None or exchange.unsent is not None:
            raise CandidateError(
                f"the budget does not even allow to find out what the endpoint can do: {exchange.failure}"
            )
        if last.status is None or last.status in (403, 429):
            raise CandidateError(f"{self.sender.connection.base_url} can't be asked: {exchange.failure}")
        if exchange.failure is None:
            self._usage.append(last.usage)
            name = _body(exchange).get("model")
            if self._model_returned is None and isinstance(name, str) and name:
                self._model_returned = name
        return exchange


def most_questions(payloads: Payloads, chosen: bool = False) -> list[dict[str, Any]]:
    """The requests of the longest negotiation that there can be, for counting what it costs at most.

    `chosen`: the logits of chosen tokens are wanted.
    """
    every = [Route(path) for path in (CHAT, COMPLETIONS) for _ in _ways(path, MOST_LOGPROBS)]
    short = [payloads.body(route, _CHAT if route.path == CHAT else _TEXT, _SHORT) for route in every]
    chat = [{"role": "user", "content": _OPEN}]
    short += [payloads.body(Route(CHAT), _CHAT, 1)] * MOST_QUESTIONS * chosen
    return [*short, payloads.body(Route(COMPLETIONS), _TEXT, 1), *[payloads.body(Route(CHAT), chat, _LONG)] * 7]


def _ways(path: str, top_k: int) -> Iterator[Route]:
    """From the most that could be had to the least; endpoints refuse what they don't know."""
    most = min(top_k, MOST_LOGPROBS)
    for count in (most, FEWEST_LOGPROBS) if most > FEWEST_LOGPROBS else (most,):
        yield Route(path, ask_logprobs=count)
    yield Route(path)
    if path == CHAT:
        yield Route(path, limit="max_completion_tokens")
        yield Route(path, limit="max_completion_tokens", temperature=False)


def _wanted(route: Route) -> dict[str, Any]:
    return logprobs(route.path, route.ask_logprobs) if route.ask_logprobs else {}


def _with_logprobs(route: Route, choice: Mapping[str, Any], vocabulary: Sequence[bytes]) -> Route:
    """The route with what logprobs an answer really holds."""
    try:
        given = after_thoughts(positions(choice, vocabulary), choice)
    except LogprobsError:
        given = ()
    if not given or not given[0].top:
        return replace(route, logprobs=0, token_bytes=False)
    return replace(route, logprobs=len(given[0].top), token_bytes=given[0].exact_bytes)


def _reasons(choice: Mapping[str, Any]) -> bool:
    return reasoning_of(choice) is not None or (text_of(choice) or "").lstrip().startswith("<think>")


def _body(exchange: Exchange) -> dict[str, Any]:
    return {} if exchange.last is None or exchange.last.status != 200 else exchange.last.parsed() or {}
