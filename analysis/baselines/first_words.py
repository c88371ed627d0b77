"""Nearest neighbour by the Bhattacharyya coefficient of the first words of answers.

The coefficient is that of Bhattacharyya (1943, On a measure of divergence between two statistical populations defined
by their probability distributions, Bulletin of the Calcutta Mathematical Society 35, 99-109); that the first word of an
answer tells models apart is folklore for which we know no first paper. Other than the channel `first_word`, it is taken
as it stands, without dividing by what so few answers of one and the same model would reach.

Where only first tokens could be drawn, a word is what the first token shows of it. Settings: whether case counts; and
whether coefficients are averaged over canaries, or their logarithms (distributions of all canaries together, with a
floor of 0.01 under each).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np

from analysis.baselines.frequencies import Frequencies, frequencies, mean_over, products, together
from analysis.baselines.interface import Kin, Scores
from analysis.baselines.outputs import Counts, Outputs
from analysis.baselines.thresholds import abstention
from probes.manifest import TIERS

_FLOOR = 0.01


@dataclass(frozen=True)
class FirstWords:
    """Mean Bhattacharyya coefficient of first words, 0 to 1; with `logarithms`, the mean of its logarithms, up to 0."""

    fold_case: bool = False
    logarithms: bool = False

    name = "first_words"
    citation = "Bhattacharyya 1943, On a measure of divergence between two statistical populations"
    accesses = TIERS
    tokenizer_dependent = True
    pairwise = True

    def grid(self) -> tuple[Self, ...]:
        """Words as they are spelled and a plain mean first."""
        return tuple(type(self)(*setting) for setting in product((False, True), repeat=2))

    def scores(self, candidates: Sequence[Outputs], references: Sequence[Outputs]) -> Scores:
        """The mean over the canaries to which both have an answer: [n_candidates, n_references]."""
        one, other = frequencies(
            lambda model: [self._folded(words) for words in model.first_words], candidates, references
        )
        roots = (_root(one), _root(other))
        shared = together(one.present, other.present)
        if not self.logarithms:
            return mean_over(products(*roots), shared)
        total = np.zeros(shared.shape)
        left, right = (side.values.tocsc() for side in roots)
        for canary in range(one.draws.shape[1]):
            columns = np.flatnonzero(one.canary == canary)
            both = np.outer(one.present[:, canary], other.present[:, canary])
            affinity = np.asarray((left[:, columns] @ right[:, columns].T).todense())
            total += both * np.log(np.clip(affinity, _FLOOR, 1))
        return mean_over(total, shared)

    def threshold(self, scores: Scores, same_lineage: Kin) -> float:
        """The score under which the nearest neighbour is not named."""
        return abstention(scores, same_lineage)

    def _folded(self, words: Counts) -> Mapping[str, int]:
        if not self.fold_case:
            return words
        folded: Counter[str] = Counter()
        for word, times in words.items():
            folded[word.casefold()] += times
        return folded


BASELINE = FirstWords()


def _root(side: Frequencies) -> Frequencies:
    return Frequencies(side.values.sqrt(), side.canary, side.draws)
