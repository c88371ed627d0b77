"""How far apart two likeliest-token lists are: the distance of one canary's answers where logprobs are given."""

from collections.abc import Mapping

import numpy as np

from analysis.signatures.observation import Observation

Top = Mapping[bytes, float]
"""Probabilities of the likeliest first tokens, by their spelling."""


def tops(observation: Observation, k: int) -> list[Top | None]:
    """The `k` likeliest first tokens of every canary, None where none were given."""
    if observation.token_ids is None or observation.logprobs is None:
        return [None] * len(observation.canaries)
    found: list[Top | None] = []
    for ids, logprobs in zip(observation.token_ids[:, :k], observation.logprobs[:, :k], strict=True):
        top: dict[bytes, float] = {}
        for number, probability in zip(ids.tolist(), np.exp(logprobs).tolist(), strict=True):
            if number >= 0:
                spelled = observation.spelled.get(number, b"")
                top[spelled] = top.get(spelled, 0.0) + probability
        found.append(top or None)
    return found


def distance(one: Top, other: Top) -> float:
    """One minus the Bhattacharyya affinity (Bhattacharyya 1943) of two first-token distributions, 0 to 1.

    A token that only one side shows is at most as likely on the other as the last that it shows, and all of these
    together as what it does not show; it is taken for as alike as that allows, and what neither shows for alike. So
    equal probabilities at the end of a list, which engines break by chance (half-precision logits have many), don't
    count.
    """
    unseen = _unseen(one, other), _unseen(other, one)
    p = np.array([*one.values(), *unseen[0].values()])
    q = np.array([*(other.get(token, unseen[1].get(token, 0.0)) for token in one), *(other[t] for t in unseen[0])])
    rest = max(1 - p.sum(), 0.0) * max(1 - q.sum(), 0.0)
    return float(np.clip(1 - np.sqrt(p * q).sum() - np.sqrt(rest), 0, 1))


def _unseen(one: Top, other: Top) -> dict[bytes, float]:
    """The most that the tokens which only `other` shows can have on the side of `one`."""
    least = min(one.values())
    most = {token: min(q, least) for token, q in other.items() if token not in one}
    total, left = sum(most.values()), max(1 - sum(one.values()), 0.0)
    return {token: value * left / total for token, value in most.items()} if total > left else most


def agrees(one: Top, other: Top) -> bool:
    """Whether the likeliest token of one is a likeliest of the other; ties count, and a thousandth is none."""
    best = max(one, key=lambda token: one[token])
    return other.get(best, 0.0) >= 0.999 * max(other.values())
