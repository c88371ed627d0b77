"""Capture beside the engine: a vLLM logits processor that copies what is wanted and changes nothing.

The engine hands every processor the whole float32 logits tensor [requests, vocab_size] before temperature,
penalties or top-p; taking rows, or the top of them, costs next to nothing, where asking for all logprobs as Python
objects makes a short prompt eighty times slower. The prompt's own positions never come by here: `capture_positions`
sees to them. It works where the engine runs in this process; `served_capture` is the same inside a server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from runners.backends.captured import CHOSEN, EVERY, KEEP, ROW, SURPRISAL, TOP, TOP_K, VOCABULARY, Capture, Top

_IN_CACHE = 2**19
"""Numbers: 2 MB of them in float32."""


@dataclass
class Followed:
    """A request in the engine's batch: what it wants, its prompt, and the engine's own list of what it answered."""

    row: int
    keep: Sequence[str]
    top_k: int
    prompt: Sequence[int]
    answered: Sequence[int]
    computed: int = 0
    capture: Capture = field(default_factory=Capture)


class LogitsCapture(LogitsProcessor):  # type: ignore[misc]  # vLLM ships no types for it
    """Follows every request that names a row, and takes what it wants of the first token's logits.

    `chosen` [n_chosen] are the ids of the chosen tokens; `captures` holds what was kept, by row, for whoever asked to
    take out. vLLM constructs it, so the latest one is to be had as `LogitsCapture.latest`.
    """

    latest: "LogitsCapture"

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        self.followed: dict[int, Followed] = {}
        self.captures: dict[int, Capture] = {}
        self.chosen = torch.empty(0, dtype=torch.long, device=device)
        type(self).latest = self

    def is_argmax_invariant(self) -> bool:
        """False, so that vLLM calls it for greedy requests too, although it changes no logit."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow requests as the engine adds, removes and moves them in its batch."""
        if batch_update is None:
            return
        for index in batch_update.removed:
            self.followed.pop(index, None)
        for index, parameters, prompt, answered in batch_update.added:
            self.followed.pop(index, None)
            wish: Mapping[str, Any] = parameters.extra_args or {}
            if self.understands(wish):
                self.followed[index] = self._begin(wish, prompt or (), answered)
        for source, target, direction in batch_update.moved:
            moving, staying = self.followed.pop(source, None), self.followed.pop(target, None)
            if moving is not None:
                self.followed[target] = moving
            if staying is not None and direction == MoveDirectionality.SWAP:
                self.followed[source] = staying

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Take what is wanted. A prompt prefilled in chunks comes by more than once: the last chunk's row stays."""
        due = [(i, one) for i, one in self.followed.items() if not one.answered and i < len(logits)]
        for top_k in {one.top_k for _, one in due if TOP in one.keep}:
            some = [(i, one) for i, one in due if TOP in one.keep and one.top_k == top_k]
            tops = likeliest_of_rows(logits if len(some) == len(logits) else logits[[i for i, _ in some]], top_k)
            for (_, one), top in zip(some, tops, strict=True):
                one.capture.top = top
        for index, one in due:
            if VOCABULARY in one.keep:
                one.capture.logits = logits[index].detach().to("cpu", torch.float32).numpy().copy()
            if one.capture.positions is not None:
                one.capture.positions[-1] = logits[index][self.chosen].to("cpu", torch.float32).numpy()
        return logits

    def understands(self, wish: Mapping[str, Any]) -> bool:
        """Whether this asks for a capture."""
        return ROW in wish

    def _begin(self, wish: Mapping[str, Any], prompt: Sequence[int], answered: Sequence[int]) -> Followed:
        one = Followed(wish[ROW], wish[KEEP], wish.get(TOP_K, 0), prompt, answered)
        if SURPRISAL in one.keep or EVERY in one.keep:
            one.capture.prompt_logprobs = np.full(len(prompt), np.nan, np.float32)
        if CHOSEN in one.keep or EVERY in one.keep:
            rows = len(prompt) if EVERY in one.keep else 1
            one.capture.positions = np.full((rows, len(self.chosen)), np.nan, np.float32)
        if answered and one.row in self.captures:  # came back after the engine had put it aside
            one.capture = self.captures[one.row]
        self.captures[one.row] = one.capture
        return one


def likeliest_of_rows(logits: torch.Tensor, top_k: int) -> list[Top]:
    """For each row of logits [n, vocab_size]: ids and logprobs (nats) of the top k, descending; ties by id."""
    return [top for part in in_cache(logits) for top in _likeliest(part, top_k)]


def in_cache(rows: torch.Tensor, width: int | None = None) -> tuple[torch.Tensor, ...]:
    """Rows [n, width] in parts whose intermediate results stay in a processor's cache; on a GPU, in one.

    Larger ones are given back to the system and fetched again, page by page, which costs several times the arithmetic.
    """
    most = max(1, _IN_CACHE // (width or rows.shape[1])) if rows.device.type == "cpu" else max(1, len(rows))
    return rows.split(most)


def _likeliest(logits: torch.Tensor, top_k: int) -> list[Top]:
    k = min(top_k, logits.shape[1])
    values, ids = logits.topk(min(k + 1, logits.shape[1]), dim=1)
    tied = (values[:, k - 1] == values[:, -1]).tolist() if values.shape[1] > k else [False] * len(values)
    normaliser = logits.logsumexp(dim=1, keepdim=True)
    logprobs, names = (values - normaliser).double().cpu().numpy(), ids.cpu().numpy()
    found = []
    for place, (row, name) in enumerate(zip(logprobs, names, strict=True)):
        if tied[place]:  # as many as share the last place: the lowest ids get in
            name = (logits[place] >= values[place, k - 1]).nonzero().ravel().cpu().numpy()
            row = (logits[place][torch.as_tensor(name)] - normaliser[place]).double().cpu().numpy()
        order = np.lexsort((name, -row))[:k]
        found.append((tuple(name[order].tolist()), tuple(row[order].tolist())))
    return found
