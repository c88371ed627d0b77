"""How far apart two models' sampled answers are: an unbiased distance, and a randomisation test, paired by draw.

The squared maximum mean discrepancy under a Hamming kernel, as Model Equality Testing has it (Gao, Liang, Guestrin
2024, arXiv:2410.20247): the squared distance of the distributions of the character in a place, averaged over places.
Its unbiased estimate is that of Gretton et al. 2012 (A Kernel Two-Sample Test, JMLR 13, eq. 4), which pairs draw j of
one side with draw j of the other and leaves these pairs out: two recordings are often asked with the same seeds, so
that draws of one number may be coupled. Under "both are the same model" the two of a pair can change places, whether
coupled or not, so the signs of the pairs are flipped at random: the p-value is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.baselines.equality_testing import hamming_kernel

CHARACTERS = 16
"""Characters of an answer that are compared: of 1, 8, 16 and 50, those that told a persona and a light fine-tune from
their base best against the spread of two halves of one model's draws."""
FLIPS = 9999


@dataclass(frozen=True)
class PairedDraws:
    """The draws of two models to one canary, n of each: `contrast` [n, n] with a diagonal of zeros, and how alike
    the draws of each model are among themselves, 0 to 1.
    """

    contrast: npt.NDArray[np.float64]
    within: tuple[float, float]

    @property
    def size(self) -> float:
        """The unbiased estimate of the squared discrepancy: 0 in expectation for the same model, at most 2."""
        n = len(self.contrast)
        return float(self.contrast.sum() / (n * (n - 1)))


def paired_draws(one: Sequence[str], other: Sequence[str]) -> PairedDraws | None:
    """Compare as many draws as both sides have; None if there are fewer than two pairs."""
    n = min(len(one), len(other))
    if n < 2:
        return None
    kernel = hamming_kernel([*one[:n], *other[:n]], CHARACTERS)
    first, second, across = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
    contrast = first + second - across - across.T
    np.fill_diagonal(contrast, 0)
    others = n * (n - 1)
    return PairedDraws(contrast, (float(first.sum() - n) / others, float(second.sum() - n) / others))


def p_equal(pairs: Sequence[PairedDraws], seed: int = 0) -> float:
    """The p-value of "both models are the same"; the labels as they are count as one of the flips."""
    generator = np.random.default_rng(seed)
    observed, flipped = 0.0, np.zeros(FLIPS)
    for pair in pairs:
        n = len(pair.contrast)
        weighed = pair.contrast / (n * (n - 1))
        signs = generator.integers(0, 2, size=(FLIPS, n), dtype=np.int8).astype(np.float64) * 2 - 1
        observed += weighed.sum()
        flipped += ((signs @ weighed) * signs).sum(axis=1)
    return float((1 + (flipped >= observed - 1e-9).sum()) / (1 + FLIPS))
