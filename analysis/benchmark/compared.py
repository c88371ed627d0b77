"""All models of one access, compared: similarities of pairs on the canaries asked so far, and on no others.

One channel can't be split canary by canary: prompt token counts are compared up to a constant, which has to be found
from what was asked. So `tokenizer` is worked out anew for every set of canaries, as the channel itself would do it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.channels.tokenizer import CHANNEL as TOKENIZER
from analysis.channels.tokenizer import usual as usual
from analysis.kinship.beside_rivals import counted_with, next_tokens
from analysis.kinship.similarities import Tensor, similarities
from analysis.signatures.signature import Signature

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """`tensor` [n_channels, n_models, n_references, n_canaries] as of all canaries. `tokenizer`: the place of that
    channel, None where it does not count; `differences` [n_models, n_references, n_canaries] of prompt tokens;
    `alike` [n_models, n_references, n_canaries] in next tokens (`analysis.kinship.beside_rivals`), None where these do
    not count."""

    tensor: Tensor
    tokenizer: int | None = None
    differences: Matrix = field(default_factory=lambda: np.empty((0, 0, 0)))
    alike: Tensor | None = None

    @classmethod
    def of(
        cls,
        models: Sequence[Signature],
        references: Sequence[Signature],
        channels: Sequence[str],
        step: Callable[[], Any] = lambda: None,
    ) -> Self:
        """From aligned signatures: of the models as an access shows them, of the references all that is known."""
        tensor = similarities(models, references, channels, step)
        place = channels.index(TOKENIZER.name) if TOKENIZER.name in channels else None
        one, other = (np.array([_counts(model) for model in side]) for side in (models, references))
        counted = counted_with(channels, models[0].access.tier, references)
        alike = next_tokens(models, references, channels) if counted else None
        return cls(tensor, place, one[:, None] - other, alike)

    def but_tokenizer(self) -> "Compared":
        """Without that channel."""
        if self.tokenizer is None:
            return self
        return Compared(np.delete(self.tensor, self.tokenizer, axis=0), alike=self.alike)

    def on(self, model: int, references: Any, canaries: Sequence[int]) -> Tensor:
        """One model with some references, as if only these canaries had been asked: [n_channels, n_references, n]."""
        found = self.tensor[:, model][:, references][:, :, canaries]
        if self.tokenizer is not None:
            differences = self.differences[model][references][:, canaries]
            found[self.tokenizer] = usual(differences)
        return found

    def cut_alike(self, subsets: npt.NDArray[np.float32]) -> Matrix | None:
        """How many canaries of each subset are cut alike up to a constant: [n_models, n_references, n_subsets].

        `subsets` [n_canaries, n_subsets] of 0 and 1. None where the tokenizer does not count.
        """
        if self.tokenizer is None:
            return None
        alike = [usual(self.differences[..., column > 0]) for column in subsets.T]
        return np.stack([np.nan_to_num(one).sum(axis=-1) for one in alike], axis=-1)


def _counts(model: Signature) -> Matrix:
    """Prompt tokens [n_canaries], NaN for chats and where nobody counted."""
    arrays = model.channels.get(TOKENIZER.name)
    if arrays is None:
        return np.full(len(model.canaries), np.nan)
    return np.where(arrays["chat"], np.nan, arrays["prompt_tokens"]).astype(np.float64)
