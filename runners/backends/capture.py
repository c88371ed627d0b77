"""Full-vocabulary capture beside the engine: a vLLM logits processor that copies rows and changes nothing.

The engine hands every processor the whole float32 logits tensor [requests, vocab_size] before temperature,
penalties or top-p; copying the rows wanted costs next to nothing, where asking for all logprobs as Python
objects makes a short prompt eighty times slower. It works where the engine runs in this process.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

ROW = "kinprint_row"
"""The key of `SamplingParams.extra_args` that asks for a row and names it."""

captured: dict[int, npt.NDArray[np.float32]] = {}
"""The rows captured so far, by name; whoever asked takes them out."""


class LogitsCapture(LogitsProcessor):  # type: ignore[misc]  # vLLM ships no types for it
    """Copies the logits of the first token to be generated, for every request that names a row."""

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        self.wanted: dict[int, tuple[int, list[int]]] = {}

    def is_argmax_invariant(self) -> bool:
        """False, so that vLLM calls it for greedy requests too, although it changes no logit."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow requests as the engine adds, removes and moves them in its batch."""
        if batch_update is None:
            return
        for index in batch_update.removed:
            self.wanted.pop(index, None)
        for index, parameters, _, output_ids in batch_update.added:
            row = (parameters.extra_args or {}).get(ROW)
            if row is None:
                self.wanted.pop(index, None)
            else:
                self.wanted[index] = (row, output_ids)
        for source, target, direction in batch_update.moved:
            moving, staying = self.wanted.pop(source, None), self.wanted.pop(target, None)
            if moving is not None:
                self.wanted[target] = moving
            if staying is not None and direction == MoveDirectionality.SWAP:
                self.wanted[source] = staying

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Copy what is wanted. A prompt prefilled in chunks comes by more than once: the last chunk's row stays."""
        for index, (row, output_ids) in self.wanted.items():
            if not output_ids and index < len(logits):
                captured[row] = logits[index].detach().to("cpu", torch.float32).numpy().copy()
        return logits
