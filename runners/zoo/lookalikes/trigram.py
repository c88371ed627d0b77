"""The least that a trained model has to beat: a trigram model of the same tokens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Counts:
    """How often n-grams occur: sorted `grams` with their `counts`, and of every context (all but the last token) its
    total and how many different tokens follow it."""

    grams: Tokens
    counts: Tokens
    contexts: Tokens
    totals: Tokens
    kinds: Tokens

    @classmethod
    def of(cls, tokens: Tokens, order: int, vocabulary: int) -> "_Counts":
        grams, counts = np.unique(_numbers(tokens, order, vocabulary), return_counts=True)
        contexts, first, kinds = np.unique(grams // vocabulary, return_index=True, return_counts=True)
        return cls(grams, counts, contexts, np.add.reduceat(counts, first), kinds)

    def mixed(self, grams: Tokens, vocabulary: int, lower: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Witten-Bell: a context gives what it saw, and to the lower order as much as it saw different tokens."""
        seen = _looked_up(self.grams, self.counts, grams)
        total = _looked_up(self.contexts, self.totals, grams // vocabulary)
        kinds = _looked_up(self.contexts, self.kinds, grams // vocabulary)
        known = total > 0
        mixed: npt.NDArray[np.float64] = np.where(known, (seen + kinds * lower) / np.maximum(total + kinds, 1), lower)
        return mixed


def trigram_bits(training: Tokens, held_out: Tokens, vocabulary: int) -> float:
    """Bits for all of `held_out` after its first two tokens, by a trigram model of `training`.

    Interpolated with bigrams, single tokens and the uniform distribution by Witten and Bell's method (1991, "The
    zero-frequency problem", method C). Tokens [n] are numbers below `vocabulary`.
    """
    if vocabulary**3 >= 2**63:
        raise ValueError(f"trigrams of a vocabulary of {vocabulary} don't fit 64-bit numbers")
    probability = np.full(len(held_out) - 2, 1 / vocabulary)
    for order in (1, 2, 3):
        grams = _numbers(held_out, order, vocabulary)[3 - order :]
        probability = _Counts.of(training, order, vocabulary).mixed(grams, vocabulary, probability)
    return float(-np.log2(probability).sum())


def _numbers(tokens: Tokens, order: int, vocabulary: int) -> Tokens:
    """Every n-gram as one number, by the place where it starts: [n - order + 1]."""
    numbers = np.zeros(len(tokens) - order + 1, dtype=np.int64)
    for place in range(order):
        numbers = numbers * vocabulary + tokens[place : place + len(numbers)]
    return numbers


def _looked_up(keys: Tokens, values: Tokens, wanted: Tokens) -> Tokens:
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: Tokens = np.where(keys[place] == wanted, values[place], 0)
    return found
