"""One answer to one canary: the row of a recording."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "empty", "refused", "no_logprobs", "error", "takes_no_images"]
STATUSES: tuple[Status, ...] = ("ok", "empty", "refused", "no_logprobs", "error", "takes_no_images")
TAKES_NO_IMAGES: Status = "takes_no_images"
"""The canary carries an image and the model takes none, which is no failure; `error` says how that is known."""
GREEDY = 0
"""Draw 0 is the greedy answer (and carries the logprobs); draws 1, 2, ... are sampled."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one draw of one canary. What the access did not give is None.

    `topk_*` describe the first generated token, most likely first; logprobs are in nats. A token that spells no
    text (end of turn and the like) has empty bytes. `prompt_logprobs` has one value (nats) for each prompt token,
    given those before it; the first, which nothing precedes, is NaN. `prompt_token_bytes` spells them, so that bits per
    byte are -sum(prompt_logprobs) / ln 2 over the bytes of those that have a number. `asked_at` is UTC in ISO 8601,
    `latency_ms` is wall-clock time, shared by a batch.
    """

    canary_id: str
    draw: int
    status: Status
    text: str | None = None
    token_ids: tuple[int, ...] | None = None
    token_bytes: tuple[bytes, ...] | None = None
    topk_ids: tuple[int, ...] | None = None
    topk_bytes: tuple[bytes, ...] | None = None
    topk_logprobs: tuple[float, ...] | None = None
    prompt_logprobs: tuple[float, ...] | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    error: str | None = None
    latency_ms: float | None = None
    asked_at: str | None = None
    prompt_token_bytes: tuple[bytes, ...] | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What tells this answer from all others of the recording."""
        return self.canary_id, self.draw

    @property
    def unasked(self) -> bool:
        """Whether this row stands for a query that was never sent, because a budget forbade it."""
        return self.status == "error" and self.asked_at is None


def counts_by_status(counts: Mapping[str, int]) -> dict[str, int]:
    """How many answers have each status, as manifests say it: of images only where one was not taken."""
    return {one: counts.get(one, 0) for one in STATUSES if one != TAKES_NO_IMAGES or counts.get(one)}
