"""Any OpenAI-compatible endpoint: attached to by its URL, with a key from the environment, and nothing assumed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from probes.answer import Answer
from probes.errors import CandidateError
from probes.manifest import Tier
from runners.api.answers import read_answer
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
from runners.backends.interface import Description, Logits, Request, Terms
from runners.budget import Budget

ENDPOINTS = ("auto", "chat", "completions")


@dataclass
class OpenaiApi:
    """Asks `model` at `base_url`. The key stands in the environment variable named by `api_key_env`, nowhere else.

    `headers`, `query` and `extra_body` go with every request; `reasoning_tokens` are allowed beside an answer's own
    where the model is found to reason. Raises CandidateError on settings that can't work.
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
        self._policy = RetryPolicy(self.retries, self.first_wait, self.longest_wait)
        self._payloads = Payloads(
            self.model, self.system_prompt, self.extra_body, self.reasoning_tokens, self.continuation
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What makes two runs ask the same thing: a recording is resumed only where this is equal. Holds no secret."""
        names = ("base_url", "endpoint", "organization", "project", "headers", "query", "extra_body")
        return {name: getattr(self, name) for name in (*names, "continuation", "reasoning_tokens")}

    def __enter__(self) -> Self:
        return self.connect(key_from(self.api_key_env))

    def connect(self, key: str | None, vocabulary: Sequence[bytes] = (), proxies: bool = True) -> Self:
        """Open the line, with a key from wherever; leaving the context closes it.

        `vocabulary` spells the tokens, by id, of an endpoint that is known to name them by their ids.
        """
        self._vocabulary = vocabulary
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
        return Description(model=self.model, engine=engine)

    def begin(self, folder: Path, budget: Budget) -> None:
        """Open the chain of custody in `folder`, and count what earlier runs spent."""
        self._custody = Custody(folder)
        self._custody.charge(budget)
        self._sender = Sender(self._connection, self._custody, budget, self._policy, self.requests_per_second)

    def negotiate(self, tier: Tier, top_k: int, temperature: float, known: Terms | None) -> Terms:
        """Find out what the endpoint allows, unless an earlier run has. Raises CandidateError if nothing works."""
        if known is None:
            negotiation = Negotiation(self._sender, self._payloads, self.endpoint, temperature, self._vocabulary)
            found = self._loop.run(negotiation.find(top_k))
            known = terms_of(found, tier, top_k, self.continuation)
        self._found = Found.from_access(known.access)
        return known

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        """Answer every request, in the order in which the answers come in."""

        async def one(request: Request) -> tuple[Answer, Logits | None]:
            route, body = self._payloads.of(request, self._found, top_k if tier == "topk" else 0)
            exchange = await self._sender.exchange((request.canary.id, request.draw), route.path, body)
            answer = read_answer(request, exchange, tier, top_k, self._found.model_returned, self._vocabulary)
            return answer, None

        yield from self._loop.as_completed(one, requests, self.concurrency)

    def finish(self, order: Sequence[tuple[str, int]]) -> list[str]:
        """Write the raw exchanges in their final form."""
        return [self._custody.finish(order)]

    def end(self, discard: bool) -> None:
        """Close the chain of custody; what it holds stays unless nothing was stored."""
        if discard:
            self._custody.delete()
        else:
            self._custody.close()
