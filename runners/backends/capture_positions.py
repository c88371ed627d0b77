"""Capture at every position of a prompt: a forward hook on the served model, reduced as it comes.

The engine computes hidden states for every prompt token and runs the output layer on the last one only. The hook
runs it on the others too, a few rows at a time, and keeps of each row the logprob of the token that followed and the
logits of the chosen tokens; the vocabulary is never held for more than those rows.

What the engine took from its prefix cache never comes by, so requests that want positions must skip it
(`SamplingParams.skip_reading_prefix_cache`). Prompts that are prefilled in chunks come by in pieces, which are put
together here by position.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from vllm.forward_context import get_forward_context

from runners.backends.capture import Followed, LogitsCapture, in_cache
from runners.backends.captured import EVERY

ROWS = 128
"""Rows of logits held at a time: more are hardly faster (64: 10% slower, 16: half as fast)."""


def capture_positions(capture: LogitsCapture, model: torch.nn.Module) -> None:
    """From now on keep, of the requests that `capture` follows, the positions that they want."""
    model.register_forward_hook(PositionCapture(capture), with_kwargs=True)


class PositionCapture:
    """The hook. Which request a row of the batch belongs to it learns from `capture`, where each begins from the
    attention's metadata. `rows` is how many rows of logits are held at a time.
    """

    def __init__(self, capture: LogitsCapture, rows: int = ROWS) -> None:
        self.capture = capture
        self.rows = rows

    def __call__(self, model: Any, arguments: Any, named: Mapping[str, Any], output: Any) -> None:
        """After a forward pass over a batch: hidden states [n_tokens, hidden_size]."""
        if not self.capture.followed:
            return
        hidden = output[0] if isinstance(output, tuple) else output
        places = list(self._places(named["positions"]))
        row_of = [row for _, row, _ in places]
        for start in range(0, len(places), self.rows):
            some = places[start : start + self.rows]
            logits = model.compute_logits(hidden[row_of[start : start + self.rows]])
            if logits is not None:  # None on a worker that holds only a part of the vocabulary
                self.keep(logits, some)

    def _places(self, positions: torch.Tensor) -> Iterator[tuple[Followed, int, int]]:
        """Request, row of the batch and position of every prompt token but the last, whose row the engine computes."""
        positions = positions[0] if positions.dim() > 1 else positions  # one line an axis; they are equal for text
        begins = query_start_loc()
        for index, one in self.capture.followed.items():
            if one.answered or index + 1 >= len(begins):
                continue
            first = int(positions[begins[index]])
            one.computed = first + begins[index + 1] - begins[index]
            if one.capture.prompt_logprobs is None:
                continue
            for row in range(begins[index], begins[index + 1]):
                position = first + row - begins[index]
                if position < len(one.prompt) - 1:
                    yield one, row, position

    def keep(self, logits: torch.Tensor, places: list[tuple[Followed, int, int]]) -> None:
        """Reduce logits [n, vocab_size] to what is kept of each place."""
        following = torch.tensor([[one.prompt[position + 1]] for one, _, position in places], device=logits.device)
        logprobs = [
            value
            for part, wanted in zip(in_cache(logits), in_cache(following, logits.shape[1]), strict=True)
            for value in part.log_softmax(dim=1, dtype=torch.float32).gather(1, wanted)[:, 0].tolist()
        ]
        columns = logits.gather(1, self.capture.chosen.expand(len(logits), -1)).float().cpu().numpy()
        for number, (logprob, (one, _, position)) in enumerate(zip(logprobs, places, strict=True)):
            assert one.capture.prompt_logprobs is not None  # only such requests have places
            one.capture.prompt_logprobs[position + 1] = logprob
            if EVERY in one.keep and one.capture.positions is not None:
                one.capture.positions[position] = columns[number]


def query_start_loc() -> list[int]:
    """Where each request's rows begin in the batch of the forward pass under way, and the end of the last."""
    metadata = get_forward_context().attn_metadata
    layers = metadata if isinstance(metadata, list) else [metadata]
    for layer in (one for some in layers if some for one in some.values()):
        begins = getattr(layer, "query_start_loc", None)
        if begins is not None:
            return [int(number) for number in begins.tolist()]
    raise RuntimeError("this attention backend does not say where requests begin; take tier.positions=last")
