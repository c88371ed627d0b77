"""What a server of our own captures beside its answers: asked for with a request, fetched when its answer has come.

The other side is `runners.backends.served_capture`, inside the server; files in a private folder lie between them.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError

from probes.answer import Answer
from probes.manifest import Tier
from runners.api.answers import first_choice
from runners.api.exchange import Exchange
from runners.backends.captured import CHOSEN_IDS, KEEP, OF_IMAGES, ROW, VOCABULARY, Capture
from runners.backends.interface import Logits, Positions, Request


class Captured(NamedTuple):
    """An answer, the logits [vocab_size] of its first token and those of the chosen tokens [n_positions, n_chosen]."""

    answer: Answer
    logits: Logits | None = None
    positions: Logits | None = None


def _numbers() -> Iterator[int]:
    """Begin elsewhere in every run: a raw response that an earlier one kept has no capture any more."""
    return count(secrets.randbelow(2**48))


@dataclass
class Captures:
    """The captures in `folder`, of a server whose tokens `vocabulary` spells by id."""

    folder: Path
    vocabulary: Sequence[bytes]
    kept: Positions = "last"
    _rows: Iterator[int] = field(default_factory=_numbers)

    def keep(self, positions: Positions, token_ids: npt.NDArray[np.int32]) -> None:
        """From now on keep this of greedy answers. The server reads the chosen tokens once: they can't change."""
        np.save(self.folder / CHOSEN_IDS, token_ids)
        self.kept = positions

    def settings(self, request: Request, tier: Tier) -> dict[str, Any]:
        """What a request says besides, so that the server captures what is wanted; nothing where nothing is."""
        kept = self.kept if request.canary.image is None else OF_IMAGES[self.kept]
        keep = [VOCABULARY] * (tier == "logits") + [kept] * (kept != "last")
        if not keep or not request.greedy or tier == "text":
            return {}
        row = next(self._rows)
        # What comes out of the prefix cache is not computed, so its positions would be missing: a salt leads past it.
        return {"vllm_xargs": {ROW: row, KEEP: keep}, "return_token_ids": True, "cache_salt": f"kinprint {row}"}

    def fetch(self, answer: Answer, exchange: Exchange) -> Captured:
        """What was captured beside an answer, which is an `error` if that is lost."""
        if ROW not in exchange.request.get("vllm_xargs", {}) or answer.status not in ("ok", "empty"):
            return Captured(answer)
        path = self.folder / f"{exchange.request['vllm_xargs'][ROW]}.safetensors"
        try:
            capture = Capture.read(path)
        except (OSError, SafetensorError):
            return Captured(replace(answer, status="error", error="the server captured nothing beside this answer"))
        path.unlink()
        body = (exchange.last.parsed() if exchange.last is not None else None) or {}
        choice = first_choice(body) or {}
        ids = choice.get("token_ids") or []
        prompt = choice.get("prompt_token_ids") or body.get("prompt_token_ids") or []  # completions, chats
        logprobs = None if capture.prompt_logprobs is None else tuple(capture.prompt_logprobs.tolist())
        fault = capture.fault
        answer = replace(
            answer,
            status="error" if fault else "ok" if ids else answer.status,
            error=fault if fault or ids else answer.error,
            token_ids=tuple(ids),
            token_bytes=self._spell(ids),
            prompt_logprobs=logprobs,
            prompt_token_bytes=None if logprobs is None else self._spell(prompt),
        )
        return Captured(answer, capture.logits, capture.positions)

    def _spell(self, ids: Sequence[int]) -> tuple[bytes, ...]:
        return tuple(self.vocabulary[number] for number in ids)
