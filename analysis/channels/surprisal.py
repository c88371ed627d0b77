"""Surprisal residual: bits per byte over the prompts, less how hard each text is and how good each model is."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Numbers, Unfed
from analysis.signatures.whole import Whole
from probes.answer import Answer

_FEWEST_TEXTS = 8


class Surprisal:
    """Which texts surprise a model more, and which less, than they surprise the others."""

    name = "surprisal"
    rung = "family"
    tokenizer_dependent = False

    def extract(self, whole: Whole) -> Arrays | Unfed:
        """`bits_per_byte` [n_texts] of prompts that are plain text, and their `digest` [n_texts]."""
        canaries = [canary for canary in whole.recording.suite.canaries if canary.text is not None]
        greedy = whole.recording.greedy
        bits = np.array([_of_answer(greedy[c.id]) if c.id in greedy else np.nan for c in canaries])
        digests = np.array([canary.number for canary in canaries], dtype=np.int64)
        known = ~np.isnan(bits)
        if known.sum() < _FEWEST_TEXTS:
            return Unfed("the logprobs of the prompts' own tokens were not recorded")
        return {"bits_per_byte": bits[known], "digest": digests[known]}

    def describe(self, candidate: Arrays) -> Numbers:
        """`bits per byte`, mean over the texts."""
        return {"bits per byte": float(candidate["bits_per_byte"].mean()), "texts": float(len(candidate["digest"]))}

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """`correlation` of what is left of candidate and reference, `with strangers` the highest in the population."""
        sides = (candidate, reference, *population)
        digests = sides[0]["digest"]
        for side in sides:
            digests = np.intersect1d(digests, side["digest"])
        if len(digests) < _FEWEST_TEXTS or not population:
            return {}
        table = np.stack([side["bits_per_byte"][_places(side["digest"], digests)] for side in sides])
        ours, theirs, *strangers = residual(table)
        return {
            "correlation": _correlation(ours, theirs),
            "correlation with strangers": max(_correlation(ours, stranger) for stranger in strangers),
            "texts": float(len(digests)),
        }


CHANNEL = Surprisal()


def bits_per_byte(logprobs: Sequence[float], token_bytes: Sequence[bytes]) -> float:
    """Surprisal of a text in bits a byte, over the tokens [n_tokens] that have a logprob (nats) and spell text.

    The first token, which nothing precedes, has NaN. NaN where no token is left.
    """
    known = [(nats, len(token)) for nats, token in zip(logprobs, token_bytes, strict=True) if token and nats == nats]
    n_bytes = sum(length for _, length in known)
    return -sum(nats for nats, _ in known) / np.log(2) / n_bytes if n_bytes else np.nan


def residual(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A table [n_models, n_texts] less the mean of each model and of each text: what two-way additivity leaves.

    A difficulty that a text adds for all models, and a skill that a model has on all texts, change nothing.
    """
    left: npt.NDArray[np.float64] = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    return left


def _of_answer(answer: Answer) -> float:
    logprobs, spelled = answer.prompt_logprobs, answer.prompt_token_bytes
    if logprobs is None or spelled is None or len(logprobs) != len(spelled):
        return np.nan
    return bits_per_byte(logprobs, spelled)


def _places(digests: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    order = np.argsort(digests)
    return order[np.searchsorted(digests[order], wanted)]


def _correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else 0.0
