"""A backend that answers by rote, and the shortest way to record it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from probes.answer import Answer
from probes.manifest import Tier
from probes.recording import Recording
from probes.suite import Suite
from runners.backends.interface import Description, Logits, Request
from runners.record import Sampling, record
from tests.recordings import suite_of

SUITE = suite_of(5)
VOCABULARY = (b"a", b"b", b"")
Hook = Callable[[Request], Answer | None]


@dataclass
class Scripted:
    """A backend that answers by rote and remembers what it was asked. `hook` may answer otherwise, or raise."""

    hook: Hook = lambda request: None
    model: str = "org/scripted"
    system_prompt: str | None = None
    chat_template: str | None = None
    engine: dict[str, Any] = field(default_factory=dict)
    name: str = "scripted"
    started: int = 0
    stopped: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.started += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped += 1

    def describe(self) -> Description:
        return Description(self.model, {"name": "scripted", **self.engine}, {"size": 3}, VOCABULARY, {"chat": True})

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        for request in requests:
            self.asked.append((request.canary.id, request.draw))
            own = self.hook(request)
            text = f"answer {request.canary.id}/{request.draw}/{request.seed}"
            answer = own or Answer(request.canary.id, request.draw, "ok", text, prompt_tokens=7, completion_tokens=2)
            row = np.full(3, int(request.canary.id[-3:]), np.float32)
            yield answer, row if tier == "logits" else None


def how(tier: Tier = "logits", **changes: Any) -> Sampling:
    return replace(Sampling(tier, 5, 1.0, 1.0, 0), **changes)


def run(
    backend: Scripted, folder: Path, sampling: Sampling | None = None, suite: Suite = SUITE, name: str = "mine"
) -> Recording:
    return record(backend, suite, sampling or how(), folder, name, {"command": "a test"})


def stop_at(canary_id: str, error: BaseException) -> Hook:
    def hook(request: Request) -> Answer | None:
        if request.canary.id == canary_id:
            raise error
        return None

    return hook


def failing(*canary_ids: str) -> Hook:
    def hook(request: Request) -> Answer | None:
        failed = request.canary.id in canary_ids
        return Answer(request.canary.id, request.draw, "error", error="the server said 500") if failed else None

    return hook
