"""Model Equality Testing: the maximum mean discrepancy between sampled answers under a Hamming kernel.

Gao, Liang, Guestrin: Model Equality Testing: Which Model Is This API Serving? (arXiv:2410.20247, ICLR 2025), its test
by maximum mean discrepancy: two answers to one prompt are as alike as they have the same character in the same place,
those to different prompts not at all; the unbiased estimate of the discrepancy (Gretton et al. 2012, A Kernel
Two-Sample Test) is tested by permuting which model gave which answer. It asks whether two models are the same, which a
fine-tune is not; the discrepancy itself is the distance between models.

As each prompt is asked equally often here, answers are permuted within prompts, under which the p-value is exact.
Settings: how many characters of an answer are compared (the paper: 50 tokens of local models, characters through APIs).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.baselines.frequencies import mean_over
from analysis.baselines.interface import Kin, Scores
from analysis.baselines.outputs import Counts, Outputs
from analysis.baselines.thresholds import above_strangers
from probes.manifest import TIERS

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EqualityTesting:
    """The discrepancy between two models' samples, with its sign turned: 0 in expectation for the same model."""

    characters: int = 50

    name = "equality_testing"
    citation = "Gao, Liang, Guestrin 2024, Model Equality Testing, arXiv:2410.20247, MMD with a Hamming kernel"
    accesses = TIERS
    tokenizer_dependent = True
    pairwise = True

    def grid(self) -> tuple[Self, ...]:
        """Fifty characters first."""
        return tuple(type(self)(number) for number in (50, 8, 3))

    def scores(self, candidates: Sequence[Outputs], references: Sequence[Outputs]) -> Scores:
        """Minus the mean discrepancy over canaries: [n_candidates, n_references].

        NaN where no canary has two samples on both sides, or one side's are whole answers and the other's first tokens.
        """
        total = np.zeros((len(candidates), len(references)))
        shared = np.zeros((len(candidates), len(references)))
        for canary in range(len(candidates[0].samples)):
            sides = [[model.samples[canary] for model in side] for side in (candidates, references)]
            (one, within_one, given_one), (other, within_other, given_other) = _alike(sides, self.characters)
            both = np.outer(given_one, given_other)
            total += both * (within_one[:, None] + within_other - 2 * one @ other.T)
            shared += both
        same_kind = np.array([[a.sampled == b.sampled for b in references] for a in candidates])
        return -mean_over(total, np.where(same_kind, shared, 0)) / self.characters

    def threshold(self, scores: Scores, same_lineage: Kin) -> float:
        """The score that accuses no stranger among the training pairs; the paper's own decision is `p_value`."""
        return above_strangers(scores, same_lineage)


BASELINE = EqualityTesting()


def p_value(one: Outputs, other: Outputs, characters: int = 50, permutations: int = 999, seed: int = 0) -> float:
    """The permutation p-value of "both sample from the same distributions"; the observed labelling counts as one.

    Raises ValueError if there is no canary to which both have two samples.
    """
    generator, observed, permuted = np.random.default_rng(seed), 0.0, np.zeros(permutations)
    pairs = [
        (a, b) for a, b in zip(one.samples, other.samples, strict=True) if min(sum(a.values()), sum(b.values())) > 1
    ]
    if not pairs:
        raise ValueError("no canary has two samples of both models")
    for a, b in pairs:
        texts = [*Counter(a).elements(), *Counter(b).elements()]
        gram = hamming_kernel(texts, characters)
        first = np.arange(len(texts)) < sum(a.values())
        labels = generator.permuted(np.tile(first, (permutations, 1)), axis=1)
        discrepancies = discrepancy(gram, np.vstack([first, labels]))
        observed += discrepancies[0]
        permuted += discrepancies[1:]
    return float((1 + (permuted >= observed - 1e-9).sum()) / (1 + permutations))


def hamming_kernel(texts: Sequence[str], characters: int) -> npt.NDArray[np.float64]:
    """The share of places, of so many, in which two texts have the same character or have both ended: [n, n]."""
    codes = np.zeros((len(texts), characters), np.int64)
    for row, text in enumerate(texts):
        codes[row, : len(text[:characters])] = [ord(character) + 1 for character in text[:characters]]
    alike: npt.NDArray[np.float64] = (codes[:, None] == codes[None]).mean(axis=2)
    return alike


def discrepancy(gram: npt.NDArray[np.float64], first: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The unbiased estimate, from a kernel [n, n], for each labelling [n_labellings, n] of who gave which sample."""
    off = gram - np.diag(np.diag(gram))
    one, other = first.astype(np.float64), (~first).astype(np.float64)
    n, m = one.sum(axis=1), other.sum(axis=1)
    within_one, within_other = ((side @ off * side).sum(axis=1) for side in (one, other))
    across = (one @ gram * other).sum(axis=1)
    estimate: npt.NDArray[np.float64] = within_one / (n * (n - 1)) + within_other / (m * (m - 1)) - 2 * across / (n * m)
    return estimate


def _alike(sides: Sequence[Sequence[Counts]], characters: int) -> list[tuple[Numbers, Numbers, npt.NDArray[np.bool_]]]:
    """Of the samples of one canary, for each side of models: the share of samples with a character in a place
    [n_models, n_columns], in the same columns for all sides; the mean number of places alike of two different samples
    [n_models]; and whether there are two [n_models]. Places after all ends are alike in all terms, cancel out and are
    left out.
    """
    models = [counts for side in sides for counts in side]
    texts = [text for counts in models for text in counts]
    length = min(characters, max(map(len, texts), default=0)) or 1
    codes = np.array(texts, dtype=f"U{length}").view(np.uint32).reshape(len(texts), length).astype(np.int64)  # 0: ended
    _, column = np.unique(codes * length + np.arange(length), return_inverse=True)
    model = np.repeat(np.arange(len(models)), [len(counts) for counts in models])
    times = np.array([times for counts in models for times in counts.values()], dtype=np.float64)
    n_columns = int(column.max(initial=-1)) + 1
    cells = model[:, None] * n_columns + column.reshape(codes.shape)
    counted = np.bincount(cells.ravel(), np.repeat(times, length), len(models) * n_columns).reshape(len(models), -1)
    draws = np.bincount(model, times, len(models))
    share = counted / np.maximum(draws, 1)[:, None]
    within = (draws * (share**2).sum(axis=1) - length) / np.maximum(draws - 1, 1)
    parts = np.split(np.arange(len(models)), np.cumsum([len(side) for side in sides])[:-1])
    return [(share[part], within[part], draws[part] > 1) for part in parts]
