"""Asking in steps: what is asked next depends on what was answered so far."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from analysis.signatures.observation import Access
from probes.answer import Answer
from probes.canary import Canary
from probes.recording import Recording
from probes.suite import Suite
from runners.backends.interface import Request, Terms
from runners.sampling import Sampling, plan


class Steps(Protocol):
    """Who chooses what of a suite is asked. `begin` comes once the access is known; no batch means that it is over."""

    @property
    def stopped(self) -> str | None:
        """Why it is over."""
        ...

    def begin(self, access: Access) -> None: ...

    def next_batch(self) -> Sequence[Canary]: ...

    def tell(self, recording: Recording) -> object:
        """A recording of everything that was asked so far, which is gone afterwards."""
        ...

    def unanswered(self) -> None:
        """The budget of the backend ended it."""
        ...


def access_at(sampling: Sampling, terms: Terms) -> Access:
    """What greedy answers alone will show; tokens are named after every prompt, where they are at all."""
    top_k = sampling.top_k if sampling.tier == "topk" else 0
    return Access(sampling.tier, top_k, 0, bool(terms.access.get("continuation")), sampling.named)


def ask_in_steps(
    steps: Steps,
    suite: Suite,
    sampling: Sampling,
    candidate: str,
    ask: Callable[[Sequence[Request]], Sequence[Answer]],
    snapshot: Callable[[Suite, Path], Recording],
) -> tuple[Suite, list[Request]]:
    """Ask batch after batch, a greedy answer each; returns what of the suite was asked, and the requests.

    `ask` stores answers and returns those to its requests; `snapshot` writes a recording of the answers so far.
    """
    requests: list[Request] = []
    chosen: list[Canary] = []
    while batch := steps.next_batch():
        chosen += batch
        part = replace(suite, canaries=tuple(one for one in suite.canaries if one in chosen))
        every = replace(sampling, position_prompts=len(batch))
        more = plan(replace(suite, canaries=tuple(batch)), every, candidate, draws=False)
        requests += more
        if any(answer.unasked for answer in ask(more)):
            steps.unanswered()
            break
        with TemporaryDirectory() as folder:
            steps.tell(snapshot(part, Path(folder)))
    return replace(suite, canaries=tuple(one for one in suite.canaries if one in chosen)), requests
