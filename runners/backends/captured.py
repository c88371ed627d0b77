"""What is asked of a capture beside the engine, and what it kept: the part that needs no engine."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Top = tuple[tuple[int, ...], tuple[float, ...]]
"""Ids and logprobs (nats) of the likeliest tokens, in descending order, ties by id."""
ROW = "kinprint_row"
"""The key of `SamplingParams.extra_args` that asks for a capture and names it."""
KEEP = "kinprint_keep"
"""The key that says what of it to keep: one of VOCABULARY and TOP, one of CHOSEN, SURPRISAL and EVERY, or both."""
TOP_K = "kinprint_top_k"
"""The key that says how many of the likeliest tokens TOP keeps."""
VOCABULARY, TOP = "vocabulary", "top"
FOLDER = "KINPRINT_CAPTURE"
"""The environment variable that names the folder into which a server puts its captures."""
CHOSEN_IDS = "chosen.npy"
"""The file in it that has the ids of the chosen tokens."""
CHOSEN, SURPRISAL, EVERY = "chosen", "surprisal", "every"
OF_IMAGES = {"last": "last", CHOSEN: CHOSEN, SURPRISAL: "last", EVERY: CHOSEN}
"""What is kept of a prompt with an image where this is kept of others: it is no text that could surprise."""


@dataclass
class Capture:
    """What was kept of one request. What was not wanted is None.

    `logits` [vocab_size] and `top` (ids, logprobs, in descending order, ties by id) are of the first generated token;
    `prompt_logprobs` [n_prompt] starts with NaN; `positions` [n_prompt, n_chosen] are raw logits of the chosen tokens
    after each prompt token, or [1, n_chosen] after the last alone. A row that never came by is NaN.
    """

    logits: npt.NDArray[np.float32] | None = None
    top: Top | None = None
    prompt_logprobs: npt.NDArray[np.float32] | None = None
    positions: npt.NDArray[np.float32] | None = None

    @property
    def fault(self) -> str | None:
        """What is wrong with it, if anything is: the model's numbers, or a position that never came by."""
        lost = self.prompt_logprobs is not None and np.isnan(self.prompt_logprobs[1:]).any()
        lost |= self.positions is not None and np.isnan(self.positions[:, :1]).any()
        if self.logits is not None and not np.isfinite(self.logits).all():
            return "the model's logits are not finite numbers"
        if self.top is not None and not np.isfinite(self.top[1]).all():
            return "the model's logits are not finite numbers"
        return "some positions of the prompt gave no finite numbers" if lost else None

    def write(self, path: Path) -> None:
        """Write it as one safetensors file, whole or not at all."""
        from safetensors.numpy import save_file

        arrays: dict[str, npt.NDArray[Any]] = {
            name: value
            for name in ("logits", "prompt_logprobs", "positions")
            if (value := getattr(self, name)) is not None
        }
        if self.top is not None:
            arrays |= {"top_ids": np.array(self.top[0], np.int64), "top_logprobs": np.array(self.top[1], np.float64)}
        unfinished = path.with_name(path.name + ".partial")
        save_file(arrays, unfinished)
        os.replace(unfinished, path)

    @classmethod
    def read(cls, path: Path) -> "Capture":
        """The inverse of `write`. Raises OSError or SafetensorError if there is no such file or it is no capture."""
        from safetensors.numpy import load_file

        arrays = load_file(path)
        ids, logprobs = arrays.pop("top_ids", None), arrays.pop("top_logprobs", None)
        top = None if ids is None or logprobs is None else (tuple(ids.tolist()), tuple(logprobs.tolist()))
        return cls(top=top, **arrays)
