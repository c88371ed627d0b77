"""Signatures of made-up models, without a file in between."""

from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.attribution.rules import Rules, without_tokenizer
from analysis.channels import all_channels
from analysis.signatures.byte_bins import bin_probabilities, bins_of
from analysis.signatures.observation import Access, Observation
from analysis.signatures.signature import Signature
from analysis.signatures.unfed import Unfed
from tests.recordings import VOCABULARY, MadeUp, make_up, softmax, suite_of


def extracted(name: str, observation: Observation) -> dict[str, npt.NDArray[Any]]:
    """What a channel extracts from an observation that feeds it."""
    found = all_channels()[name].extract(observation)
    assert not isinstance(found, Unfed), found.reason
    return dict(found)


def sign(
    family: int, member: int = 0, size: int = 24, world: int = 0, drift: float = 0.4, access: Access | None = None
) -> Signature:
    """The signature of a made-up model, seen with full logits or, at tier text, by `access.draws` sampled answers."""
    return signature_of(make_up(family, member, size, world, drift), access or Access("logits"))


def signature_of(model: MadeUp, access: Access) -> Signature:
    """The channels that decide, as `analysis.signatures.signature` extracts them."""
    size, probabilities = len(model.logits), softmax(model.logits)
    bins = bin_probabilities(probabilities, bins_of(VOCABULARY))
    if access.tier == "text":
        exact = bins.astype(np.float64)
        drawn = np.random.default_rng(list(model.logits.tobytes()[:8])).multinomial(
            access.draws, exact / exact.sum(axis=1, keepdims=True)
        )
        bins = (drawn / access.draws).astype(np.float32)
    heads = [VOCABULARY[token].decode() for token in probabilities.argmax(axis=1)]
    seen = Observation(
        canaries=suite_of(size).canaries,
        access=access,
        bins=bins,
        missing=np.zeros(size, np.float32),
        n_draws=np.full(size, access.draws),
        token_ids=None,
        logprobs=None,
        spelled={},
        greedy=tuple(f"{head} {ending}".encode() for head, ending in zip(heads, model.endings, strict=True)),
        prompt_tokens=np.full(size, np.nan),
        texts=((),) * size,
    )
    channels = {name: extracted(name, seen) for name in without_tokenizer(Rules.channels)}
    answered = np.ones(size, dtype=np.bool_)
    return Signature(model.name, access, "tiny", seen.canaries, channels, answered, {"ok": size}, size, 100, 1.0)
