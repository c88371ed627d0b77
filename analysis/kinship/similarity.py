"""Similarity of every pair of signatures, channel by channel and canary by canary, computed once."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels import all_channels
from analysis.signatures.signature import Signature

Tensor = npt.NDArray[np.float32]


def similarity_tensor(
    signatures: Sequence[Signature], channels: Sequence[str], step: Callable[[], object] = lambda: None
) -> Tensor:
    """Similarities of aligned signatures: [n_channels, n, n, n_canaries] float32, NaN where one gave nothing.

    Channels are symmetric, so that each pair is compared once. `step` is called once a model.
    """
    n, size = len(signatures), len(signatures[0].canaries)
    tensor = np.full((len(channels), n, n, size), np.nan, dtype=np.float32)
    for i, one in enumerate(signatures):
        for j in range(i, n):
            for place, name in enumerate(channels):
                if name in one.channels and name in signatures[j].channels:
                    values = all_channels()[name].similarity(one.channels[name], signatures[j].channels[name])
                    tensor[place, i, j] = tensor[place, j, i] = values
        step()
    return tensor
