"""The same capture inside a vLLM server: named on its command line, asked for by each request, kept as files.

    KINPRINT_CAPTURE=FOLDER python -m vllm.entrypoints.openai.api_server --model ... \
        --logits-processors runners.backends.served_capture:ServedCapture

A request asks with `vllm_xargs: {"kinprint_row": 7, "kinprint_keep": ["vocabulary", "every"], "kinprint_top_k": 0}`
and finds `FOLDER/7.safetensors` (`captured.Capture.read`) when its answer has come. `FOLDER/chosen.npy`, if it is
there at the first request that wants chosen tokens, has their ids. Positions that the server has in its prefix cache
are missing (NaN): start it with `--no-enable-prefix-caching`, or give each request a `cache_salt` of its own. The
folder must be private to whoever runs the server. `runners.serving.captures` is the side that asks.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from runners.backends.capture import Followed, LogitsCapture
from runners.backends.capture_positions import capture_positions
from runners.backends.captured import CHOSEN, CHOSEN_IDS, EVERY, FOLDER, KEEP, ROW, SURPRISAL, TOP, TOP_K, VOCABULARY


class ServedCapture(LogitsCapture):
    """Writes each capture to its file before the answer is sent.

    vLLM gives a logits processor no way to the model, so the model is found as it is first run: it is the outermost
    module that computes logits.
    """

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        super().__init__(vllm_config, device, is_pin_memory)
        self.folder = Path(os.environ[FOLDER])
        self._finder = register_module_forward_pre_hook(self._find)

    def understands(self, wish: Mapping[str, Any]) -> bool:
        """Whether this asks for a capture in a way that can be kept; what comes over the network may be anything."""
        row, keep, top_k = wish.get(ROW), wish.get(KEEP), wish.get(TOP_K, 0)
        return (
            isinstance(row, int)
            and row >= 0
            and isinstance(keep, list)
            and set(keep) <= {VOCABULARY, TOP, CHOSEN, SURPRISAL, EVERY}
            and isinstance(top_k, int)
            and top_k >= (TOP in keep)
        )

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Take what is wanted, and write what is whole."""
        super().apply(logits)
        for one in self.followed.values():
            if not one.answered and one.computed == len(one.prompt) and one.row in self.captures:
                self.captures.pop(one.row).write(self.folder / f"{one.row}.safetensors")
        return logits

    def _begin(self, wish: Mapping[str, Any], prompt: Sequence[int], answered: Sequence[int]) -> Followed:
        file = self.folder / CHOSEN_IDS
        if len(self.chosen) == 0 and {CHOSEN, EVERY} & set(wish[KEEP]) and file.is_file():
            ids = np.load(file, allow_pickle=False)
            self.chosen = torch.as_tensor(ids, dtype=torch.long, device=self.chosen.device)
        return super()._begin(wish, prompt, answered)

    def _find(self, module: torch.nn.Module, arguments: Any) -> None:
        if hasattr(module, "compute_logits"):
            self._finder.remove()
            capture_positions(self, module)
