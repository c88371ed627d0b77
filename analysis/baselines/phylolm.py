"""PhyloLM: models as populations, prompts as genes, the first characters of what is sampled as alleles.

Yax, Oudeyer, Palminteri: PhyloLM, Inferring the Phylogeny of Large Language Models and Predicting their Performances in
Benchmarks (arXiv:2404.04671, ICLR 2025), Methods: Nei's genetic similarity (Nei 1972, Genetic Distance between
Populations) of the frequencies of alleles, the first four characters of 32 short completions of each of 128 contexts,
so that models with different tokenizers can be compared. The sums go over all genes before they are divided.

Where only first tokens could be drawn, an allele is the beginning of a token and not of four. Settings: how many
characters an allele has.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from analysis.baselines.frequencies import Frequencies, frequencies, products, together
from analysis.baselines.interface import Kin, Scores
from analysis.baselines.outputs import Counts, Outputs
from analysis.baselines.thresholds import abstention
from probes.manifest import TIERS


@dataclass(frozen=True)
class PhyloLM:
    """Nei's similarity, 0 to 1, of what two models sample; `characters` of an answer are an allele."""

    characters: int = 4

    name = "phylolm"
    citation = "Yax, Oudeyer, Palminteri 2024, PhyloLM, arXiv:2404.04671, Methods"
    accesses = TIERS
    tokenizer_dependent = True
    pairwise = True

    def grid(self) -> tuple[Self, ...]:
        """The paper's four characters; fewer; more."""
        return tuple(type(self)(number) for number in (4, 1, 2, 8))

    def scores(self, candidates: Sequence[Outputs], references: Sequence[Outputs]) -> Scores:
        """Nei's similarity on the genes for which both have a population: [n_candidates, n_references]."""
        return nei_similarity(*frequencies(self._alleles, candidates, references))

    def threshold(self, scores: Scores, same_lineage: Kin) -> float:
        """The score under which no relative is named; the paper draws trees and sets none."""
        return abstention(scores, same_lineage)

    def _alleles(self, model: Outputs) -> list[Counts]:
        genes: list[Counts] = []
        for texts in model.samples:
            alleles: Counter[str] = Counter()
            for text, times in texts.items():
                alleles[text[: self.characters]] += times
            genes.append(alleles)
        return genes


BASELINE = PhyloLM()


def nei_similarity(one: Frequencies, other: Frequencies) -> Scores:
    """Sum of p q over genes and alleles, by the root of the sums of p squared and q squared: [n, m]."""
    homozygous_one, homozygous_other = one.squares(), other.squares()
    scale = together(homozygous_one, other.present) * together(one.present, homozygous_other)
    return np.where(scale > 0, products(one, other) / np.sqrt(np.where(scale > 0, scale, 1)), np.nan)
