"""Any OpenAI-compatible endpoint: attached to by its URL, with a key from the environment, and nothing assumed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from probes.answer import TAKES_NO_IMAGES, Answer
from probes.errors import CandidateError
from probes.manifest import Tier
from runners.api.answers import read_answer
from runners.api.chosen_tokens import ANCHORS, FEWEST, Way, asking_beside, relative_logits
from runners.api.connection import Connection
from runners.api.custody import Custody
from runners.api.found import Found
from runners.api.loop import LoopThread
from runners.api.negotiation import Negotiation
from runners.api.payloads import CONTINUE, Payloads
from runners.api.retry import RetryPolicy
from runners.api.secrets import Secrets, check_without_secrets, checked_url, key_from
from runners.api.sender import Sender
from runners.api.terms import terms_of
from runners.backends.interface import Description, Logits, Positions, Request, Terms
from runners.backends.token_bytes import tokenizer_bytes
from runners.budget import Budget
from runners.images import ImagesTaken
from runners.serving.captures import Captured, Captures

ENDPOINTS = ("auto", "chat", "completions")


@dataclass
class OpenaiApi:
    """Asks `model` at `base_url`. The key stands in the environment variable named by `api_key_env`, nowhere else.

    `headers`, `query` and `extra_body` go with every request; `reasoning_tokens` are allowed beside an answer's own
    where the model is found to reason. `tokenizer`, a folder or hub id, says which tokens the endpoint has, where that
    is known: without it no tokens can be named. Raises CandidateError on settings that can't work.
    """

    model: str
    base_url: str
    api_key_env: str | None = None
    system_prompt: str | None = None
    chat_template: str | None = None
    organization: str | None = None
    project: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    extra_body: dict[str, Any] = field(default_factory=dict)
    endpoint: str = "auto"
    continuation: str = CONTINUE
    reasoning_tokens: int = 1024
    tokenizer: str | None = None
    concurrency: int = 4
    requests_per_second: float | None = None
    timeout_s: float = 60.0
    retries: int = 4
    first_wait: float = 0.5
    longest_wait: float = 60.0
    name: str = "openai_api"

    def __post_init__(self) -> None:
        self.base_url = checked_url(self.base_url)
        for what in ("headers", "query", "extra_body"):
            check_without_secrets(f"backend.{what}", getattr(self, what))
        if self.endpoint not in ENDPOINTS:
            raise CandidateError(f"backend.endpoint must be one of {', '.join(ENDPOINTS)}; it is {self.endpoint!r}")
        if self.concurrency < 1 or not self.timeout_s > 0 or self.reasoning_tokens < 0:
            raise CandidateError(
                "backend.concurrency must be at least 1, timeout_s above 0, reasoning_tokens at least 0"
            )
        if self.requests_per_second is not None and not self.requests_per_second > 0:
            raise CandidateError("backend.requests_per_second must be above 0, or null for no limit")
        if self.chat_template is not None:
            raise CandidateError("candidate.chat_template can't be given to an API, which renders chats by itself")
        self._chosen: dict[int, bytes] | None = None
        self._position_logits: Logits | None = None
        self._policy = RetryPolicy(self.retries, self.first_wait, self.longest_wait)
        self._payloads = Payloads(
            self.model, self.system_prompt, self.extra_body, self.reasoning_tokens, self.continuation
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What makes two runs ask the same thing: a recording is resumed only where this is equal. Holds no secret."""
        names = ("base_url", "endpoint", "organization", "project", "headers", "query", "extra_body")
        tokenizer = ("tokenizer",) if self.tokenizer else ()
        return {name: getattr(self, name) for name in (*names, "continuation", "reasoning_tokens", *tokenizer)}

    @property
    def fewest_chosen(self) -> int | None:
        """How many chosen tokens a query shows at least, where any can be had; None if they take no queries."""
        return FEWEST - ANCHORS if self.tokenizer else None

    def __enter__(self) -> Self:
        key = key_from(self.api_key_env)
        return self.connect(key, tokenizer_bytes(self.tokenizer, {}) if self.tokenizer else ())

    def connect(
        self,
        key: str | None,
        vocabulary: Sequence[bytes] = (),
        captures: Captures | None = None,
        proxies: bool = True,
    ) -> Self:
        """Open the line, with a key from wherever; leaving the context closes it.

        `vocabulary` spells the tokens by id, where they are known; `captures` are those of a server of our own.
        """
        self._vocabulary, self._captures = vocabulary, captures
        self._connection = Connection(
            self.base_url,
            Secrets(key),
            self.timeout_s,
            self.concurrency,
            self.organization,
            self.project,
            self.headers,
            self.query,
            proxies,
        )
        self._connection.open()
        self._loop = LoopThread()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._connection.close())
        self._loop.close()

    def describe(self) -> Description:
        """The endpoint; who or what answers behind it is not known."""
        engine = {"name": self.name, "base_url": self.base_url, "openai": version("openai")}
        return Description(model=self.model, engine=engine, token_bytes=self._vocabulary)

    def keep_positions(self, positions: Positions, token_ids: npt.NDArray[np.int32]) -> None:
        """From now on ask for the logits of these tokens. Raises CandidateError for what no API shows."""
        if self._captures is not None:
            self._captures.keep(positions, token_ids)
        elif positions in ("surprisal", "every"):
            raise CandidateError("an API keeps no positions of the prompt; take tier.positions=chosen or last here")
        elif positions == "chosen":
            self._chosen = {number: self._vocabulary[number] for number in token_ids.tolist()}

    def position_logits(self) -> Logits | None:
        """The chosen tokens' logits [n_positions, n_chosen], up to a constant, of the answer that was yielded last."""
        return self._position_logits

    def begin(self, folder: Path, budget: Budget) -> None:
        """Open the chain of custody in `folder`, and count what earlier runs spent."""
        self._custody = Custody(folder)
        self._custody.charge(budget)
        self._sender = Sender(self._connection, self._custody, budget, self._policy, self.requests_per_second)

    def negotiate(self, tier: Tier, top_k: int, temperature: float, known: Terms | None) -> Terms:
        """Find out what the endpoint allows, unless an earlier run has. Raises CandidateError if nothing works."""
        if known is None:
            wanted = self._chosen if tier != "text" else None
            negotiation = Negotiation(
                self._sender, self._payloads, self.endpoint, temperature, self._vocabulary, wanted
            )
            found = self._loop.run(negotiation.find(top_k))
            known = terms_of(found, tier, top_k, self.continuation, self._captures is not None)
        self._found = Found.from_access(known.access)
        return known

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        """Answer every request, in the order in which the answers come in.

        Those whose chosen tokens are asked for come last, when no others are under way: vLLM 0.32 gives a request for
        the likeliest tokens none of them if one for named tokens is in its batch.
        """

        images = ImagesTaken(self._found.chat.works)

        async def one(request: Request) -> tuple[Request, Captured]:
            why = images.why_not() if request.canary.image is not None else ""
            if why:
                return request, Captured(Answer(request.canary.id, request.draw, TAKES_NO_IMAGES, error=why))
            route, body = self._payloads.of(request, self._found, top_k if tier == "topk" else 0)
            body |= self._captures.settings(request, tier) if self._captures is not None else {}
            exchange = await self._sender.exchange((request.canary.id, request.draw), route.path, body)
            answer = read_answer(request, exchange, tier, top_k, self._found.model_returned, self._vocabulary)
            images.learn(request, answer)
            return request, Captured(answer) if self._captures is None else self._captures.fetch(answer, exchange)

        way, last = self._way() if tier == "topk" else None, []
        for request, found in self._loop.as_completed(one, requests, self.concurrency):
            if way is not None and request.chosen and found.answer.status == "ok":
                last.append((request, found.answer))
            else:
                self._position_logits = found.positions
                yield found.answer, found.logits
        if way is not None:
            yield from self._with_chosen_tokens(last, way)

    def _way(self) -> Way | None:
        """How chosen tokens are asked for, if they can be."""
        found = self._found.chosen_tokens or {}
        return Way(found["name"], found["width"], found["bias"]) if "name" in found else None

    def _with_chosen_tokens(
        self, answered: Sequence[tuple[Request, Answer]], way: Way
    ) -> Iterator[tuple[Answer, Logits | None]]:
        tokens = self._chosen or {}

        async def one(item: tuple[Request, Answer]) -> tuple[Answer, npt.NDArray[np.float64]]:
            canary, answer = item[0].canary, item[1]
            route = self._found.text_route if canary.messages is None else self._found.chat_route
            ask = asking_beside(self._sender, self._payloads, route, self._payloads.prompt(canary, route), canary.id)
            return answer, await relative_logits(ask, tokens, way)

        try:
            for answer, logits in self._loop.as_completed(one, answered, self.concurrency):
                self._position_logits = None if np.isnan(logits).all() else logits[np.newaxis].astype(np.float32)
                yield answer, None
        finally:
            self._position_logits = None

    def spent_beside(self) -> dict[str, int]:
        """What chosen tokens took."""
        return self._custody.spent_beside()

    def finish(self, order: Sequence[tuple[str, int]]) -> list[str]:
        """Write the raw exchanges in their final form."""
        return [self._custody.finish(order)]

    def end(self, discard: bool) -> None:
        """Close the chain of custody; what it holds stays unless nothing was stored."""
        if discard:
            self._custody.delete()
        else:
            self._custody.close()
