"""The one typed interface behind which every model is asked."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from probes.answer import GREEDY, Answer
from probes.canary import Canary
from probes.manifest import Tier

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Request:
    """One query: one draw of one canary. Draw 0 is greedy and carries the logprobs; the others are sampled."""

    canary: Canary
    draw: int
    temperature: float
    top_p: float
    seed: int

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


def seed_of(run_seed: int, canary: Canary, draw: int) -> int:
    """The sampling seed of one draw: the same in every run, whatever the order or batch."""
    digest = hashlib.sha256(f"{run_seed}/{canary.digest}/{draw}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def utc_now() -> str:
    """The time in ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
