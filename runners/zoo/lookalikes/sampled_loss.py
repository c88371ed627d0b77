"""The next-token loss beside a sample of the vocabulary, for vocabularies many times larger than a text's own."""

import math
from typing import TYPE_CHECKING, Any

from runners.zoo.lookalikes.training import Loss

if TYPE_CHECKING:
    import torch


def sampled_loss(tokens: "torch.Tensor", vocabulary: int, drawn: int, seed: int) -> Loss:
    """Cross entropy against all that a text `tokens` [n_tokens] holds, and `drawn` of the other tokens at each step.

    Every one drawn stands for as many as there are others for each drawn (Jean, Cho, Memisevic and Bengio 2015, "On
    using very large target vocabulary for neural machine translation", section 3).
    """
    import torch

    held = tokens.unique()
    others = torch.ones(vocabulary, dtype=torch.bool).index_fill(0, held, False).nonzero()[:, 0]
    number = torch.full((vocabulary,), -1).index_copy(0, held, torch.arange(len(held)))
    standing = torch.cat([torch.zeros(len(held)), torch.full((drawn,), math.log(len(others) / drawn))])
    generator = torch.Generator().manual_seed(seed)

    def loss(model: Any, blocks: "torch.Tensor") -> "torch.Tensor":
        sample = others[torch.randint(len(others), (drawn,), generator=generator)]
        said = model.base_model(input_ids=blocks[:, :-1]).last_hidden_state
        logits = (said @ model.get_output_embeddings().weight[torch.cat([held, sample])].T).flatten(0, 1).float()
        return torch.nn.functional.cross_entropy(logits + standing, number[blocks[:, 1:]].flatten())

    return loss
