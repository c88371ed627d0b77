"""All models of one access, compared: similarities of pairs on the canaries asked so far, and on no others.

One channel can't be split canary by canary: prompt token counts are compared up to a constant, which has to be found
from what was asked. So `tokenizer` is worked out anew for every set of canaries, as the channel itself would do it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.benchmark.similarities import Tensor, similarities
from analysis.channels.tokenizer import CHANNEL as TOKENIZER
from analysis.channels.tokenizer import usual as usual
from analysis.signature import Signature

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """`tensor` [n_channels, n_models, n_references, n_canaries] as of all canaries. `tokenizer`: the place of that
    channel, None where it does not count; `differences` [n_models, n_references, n_canaries] of prompt tokens."""

    tensor: Tensor
    tokenizer: int | None
    differences: Matrix

    @classmethod
    def of(
        cls,
        models: Sequence[Signature],
        references: Sequence[Signature],
        channels: Sequence[str],
        step: Callable[[], Any] = lambda: None,
    ) -> Self:
        """From aligned signatures."""
        tensor = similarities(models, references, channels, step)
        place = channels.index(TOKENIZER.name) if TOKENIZER.name in channels else None
        one, other = (np.array([_counts(model) for model in side]) for side in (models, references))
        return cls(tensor, place, one[:, None] - other)

    def but_tokenizer(self) -> "Compared":
        """Without that channel."""
        if self.tokenizer is None:
            return self
        return Compared(np.delete(self.tensor, self.tokenizer, axis=0), None, self.differences)

    def on(self, model: int, references: Any, canaries: Sequence[int]) -> Tensor:
        """One model with some references, as if only these canaries had been asked: [n_channels, n_references, n]."""
        found = self.tensor[:, model][:, references][:, :, canaries]
        if self.tokenizer is not None:
            differences = self.differences[model][references][:, canaries]
            found[self.tokenizer] = usual(differences)
        return found

    def agreement(self, canaries: npt.NDArray[np.intp]) -> Matrix:
        """How many of these canaries are cut alike up to a constant, for every pair: [n_models, n_references]."""
        alike: Matrix = np.nan_to_num(usual(self.differences[..., canaries])).sum(axis=-1)
        return alike


def _counts(model: Signature) -> Matrix:
    """Prompt tokens [n_canaries], NaN for chats and where nobody counted."""
    arrays = model.channels.get(TOKENIZER.name)
    if arrays is None:
        return np.full(len(model.canaries), np.nan)
    return np.where(arrays["chat"], np.nan, arrays["prompt_tokens"]).astype(np.float64)
