"""Character trigrams: TF-IDF cosine of what two models wrote, with abstention.

Classic stylometry: n-grams of characters as features of an author (Keselj, Peng, Cercone, Thomas 2003, N-gram-based
Author Profiles for Authorship Attribution), weighed by TF-IDF (Salton, Buckley 1988, Term-weighting approaches in
automatic text retrieval), compared by cosine, the nearest author named above a threshold only (open-set attribution:
Koppel, Schler, Argamon 2011, Authorship attribution in the wild). Weights are learned from the references alone.

Read are the greedy answers, and the sampled ones where whole answers were sampled. Settings: whether all of a model's
answers are one text, or answers to the same canary are compared and their cosines averaged; and whether counts are
damped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product, repeat
from typing import Any, Self

import numpy as np

from analysis.baselines.interface import Kin, Scores
from analysis.baselines.outputs import Counts, Outputs
from analysis.baselines.thresholds import abstention
from probes.manifest import TIERS


@dataclass(frozen=True)
class Trigrams:
    """Cosine of TF-IDF vectors of character trigrams, 0 to 1; `by_canary`: of answers to one canary, averaged."""

    by_canary: bool = False
    damped: bool = False

    name = "trigrams"
    citation = "Keselj et al. 2003, N-gram-based Author Profiles; Koppel, Schler, Argamon 2011, Authorship in the wild"
    accesses = TIERS
    tokenizer_dependent = False
    pairwise = False

    def grid(self) -> tuple[Self, ...]:
        """One text a model and plain counts first."""
        return tuple(type(self)(*setting) for setting in product((False, True), repeat=2))

    def scores(self, candidates: Sequence[Outputs], references: Sequence[Outputs]) -> Scores:
        """[n_candidates, n_references]; NaN where one side wrote nothing that holds a trigram of a reference."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        written = [self._documents(candidates), self._documents(references)]
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(3, 3), lowercase=False, sublinear_tf=self.damped)
        if not any(len(text) > 2 for text in written[1]):
            return np.full((len(candidates), len(references)), np.nan)
        vectorizer.fit(written[1])
        one, other = (vectorizer.transform(texts) for texts in written)
        n = len(written[1]) // len(references)
        total, both = np.zeros((len(candidates), len(references))), np.zeros((len(candidates), len(references)))
        for place in range(n):
            total += np.asarray((one[place::n] @ other[place::n].T).todense())
            both += np.outer(_any(one[place::n]), _any(other[place::n]))
        return np.where(both > 0, total / np.maximum(both, 1), np.nan)

    def threshold(self, scores: Scores, same_lineage: Kin) -> float:
        """The score under which the nearest author is not named."""
        return abstention(scores, same_lineage)

    def _documents(self, models: Sequence[Outputs]) -> list[str]:
        """What the models wrote, one after the other: a text each, or one for each of its canaries."""
        written: list[str] = []
        for model in models:
            answers = list(map(_written, zip(model.greedy, model.samples, strict=True), repeat(model.sampled)))
            written += answers if self.by_canary else ["\n".join(answers)]
        return written


BASELINE = Trigrams()


def _written(answer: tuple[str | None, Counts], sampled: str) -> str:
    """The greedy answer to one canary, and the sampled ones where they are whole answers."""
    greedy, samples = answer
    texts = [text for text, times in samples.items() for _ in range(times)] if sampled == "answers" else []
    return "\n".join(text for text in (greedy, *texts) if text)


def _any(vectors: Any) -> Any:
    """Where a row of a sparse matrix has anything, as numbers: [n]."""
    return (vectors.getnnz(axis=1) > 0).astype(float)
