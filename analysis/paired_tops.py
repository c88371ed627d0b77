"""How far apart two likeliest-token lists are: the distance of one canary's answers where logprobs are given."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analysis.observation import Observation

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

    A token that only one side shows is at most as likely on the other as the last that it shows, and is taken for as
    alike as that allows; all that neither shows is taken for alike. So equal probabilities at the end of a list, which
    engines break by chance (half-precision logits have many), don't count as a difference.
    """
    least = min(one.values()), min(other.values())
    filled = {token: (p, other.get(token, min(p, least[1]))) for token, p in one.items()}
    filled |= {token: (min(q, least[0]), q) for token, q in other.items() if token not in one}
    both: npt.NDArray[np.float64] = np.array(list(filled.values()))
    rest = np.clip(1 - both.sum(axis=0), 0, None)
    affinity = np.sqrt(both.prod(axis=1)).sum() + np.sqrt(rest.prod())
    return float(np.clip(1 - affinity, 0, 1))


def agrees(one: Top, other: Top) -> bool:
    """Whether the likeliest token of one is a likeliest of the other; ties count, and a thousandth is none."""
    best = max(one, key=lambda token: one[token])
    return other.get(best, 0.0) >= 0.999 * max(other.values())
