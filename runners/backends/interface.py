"""The one typed interface behind which every model is asked."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from probes.answer import GREEDY, Answer
from probes.canary import Canary
from probes.manifest import Tier
from runners.budget import Budget

Logits = npt.NDArray[np.float32]
Positions = Literal["last", "chosen", "surprisal", "every"]


@dataclass(frozen=True, slots=True)
class Request:
    """One query: one draw of one canary. Draw 0 is greedy and carries the logprobs; the others are sampled.

    `chosen`: where chosen tokens' logits take queries of their own, they are asked after this prompt.
    """

    canary: Canary
    draw: int
    temperature: float
    top_p: float
    seed: int
    chosen: bool = False

    @property
    def greedy(self) -> bool:
        """Whether this is the greedy answer."""
        return self.draw == GREEDY


@dataclass(frozen=True)
class Description:
    """What a backend knows about the model it serves. Empty where nothing is known.

    `token_bytes` spells every token of the vocabulary in bytes, in the order of ids; a token that spells no text
    (end of turn and the like) is empty.
    """

    model: str
    engine: dict[str, Any]
    tokenizer: dict[str, Any] = field(default_factory=dict)
    token_bytes: Sequence[bytes] = ()
    access: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Terms:
    """How a run is done, as far as the access decides it. A resumed run keeps the terms that it began with.

    `tier` is never higher than the one asked for; `top_k` is how many logprobs came back; `draws` is False where
    sampling shows nothing (every draw is the same); `access` goes into the manifest; `notes` are lines for the user.
    """

    tier: Tier
    top_k: int
    draws: bool = True
    access: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Backend(Protocol):
    """A served model. It is started on entering its context and gone after leaving it."""

    name: str

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def describe(self) -> Description:
        """What is being served; callable once started."""
        ...

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        """Answer every request, in order, with the first token's logits [vocab_size] at tier `logits`."""
        ...


@runtime_checkable
class PositionsBackend(Backend, Protocol):
    """A backend that can also keep positions of the prompt: their tokens' logprobs, and the logits of chosen tokens."""

    def keep_positions(self, positions: Positions, token_ids: npt.NDArray[np.int32]) -> None:
        """From now on keep this of greedy answers (see `runners.sampling.Sampling`); `token_ids` are those chosen.

        Raises CandidateError if it can't be had. Logprobs come with the answers.
        """
        ...

    def position_logits(self) -> Logits | None:
        """The chosen tokens' logits [n_positions, n_chosen] of the answer that `ask` has just yielded, where kept."""
        ...


@runtime_checkable
class RemoteBackend(Backend, Protocol):
    """A backend that asks somebody else's endpoint: what it allows has to be found out, and what it costs counts."""

    def begin(self, folder: Path, budget: Budget) -> None:
        """Start a run, or go on with one: raw responses are kept in `folder`, spending is counted in `budget`."""
        ...

    def negotiate(self, tier: Tier, top_k: int, temperature: float, known: Terms | None) -> Terms:
        """Find out what the endpoint allows; with `known`, take over what an earlier run of the recording found."""
        ...

    def spent_beside(self) -> dict[str, int]:
        """`queries`, `prompt_tokens`, `completion_tokens` beside those of the negotiation and of the answers."""
        ...

    def finish(self, order: Sequence[tuple[str, int]]) -> list[str]:
        """Put the raw responses into their final form, in this order of answers; returns the names of the files."""
        ...

    def end(self, discard: bool) -> None:
        """End the run. `discard`: nothing was stored, so leave nothing; else leave what a resumed run needs."""
        ...


def seed_of(run_seed: int, candidate: str, canary: Canary, draw: int) -> int:
    """The sampling seed of one draw: the same in every run, whatever the order or batch.

    No two candidates share it: two models of one vocabulary that draw with the same random numbers draw the same words,
    and would look like kin.
    """
    digest = hashlib.sha256(f"{run_seed}/{candidate}/{canary.digest}/{draw}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def utc_now() -> str:
    """The time in ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
