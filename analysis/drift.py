"""Has the model behind an endpoint changed? A few border canaries, repeated, and an e-process over their answers.

Where logprobs are given, each answer's distance from the recorded one is a number, and it is bet against "their mean is
at most the margin" (`analysis.betting`). Where only sampled answers are, each is ranked by how unlike it is to the
recorded ones and to those heard since: under "nothing has changed" they are exchangeable, so that the ranks, ties broken at
random, are independent and uniform (Vovk, Nouretdinov, Gammerman 2003, Testing exchangeability on-line, ICML), and bets
on small ones are fair. Nothing has to be known of the distribution, and two recorded answers to a canary are enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from analysis.baselines.equality_testing import hamming_kernel
from analysis.betting import SHARES, EProcess, payoffs
from analysis.equality import CAP
from analysis.paired_draws import CHARACTERS
from analysis.paired_tops import Top, distance

MARGIN = 2e-3
"""Mean distance up to which nothing has changed. Border canaries are the ones that arithmetic moves most, so it is four
times that of `analysis.equality`; a change of weights that shows at all is ten times farther (docs/equality.md)."""
POWERS = np.array([0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
"""Bets on a rank p: it pays c p^(c - 1), which is fair for each of these c."""
Basis = Literal["tops", "draws"]


@dataclass
class Drift:
    """A watch over an endpoint, from its beginning or as an earlier run left it.

    `known`: the recorded likeliest tokens of each canary watched (`tops`), or the answers known so far (`draws`), by id.
    `noticed`: after how many queries the e-value reached 1 / alpha, None if it did not; it stays noticed.
    """

    basis: Basis
    known: Mapping[str, Any]
    alpha: float
    margin: float
    seed: int
    process: EProcess
    queries: int = 0
    noticed: int | None = None
    heard: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(
        cls, known: Mapping[str, Top] | Mapping[str, Sequence[str]], alpha: float, margin: float = MARGIN, seed: int = 0
    ) -> Self:
        """At the beginning."""
        basis: Basis = "tops" if all(isinstance(value, Mapping) for value in known.values()) else "draws"
        bets = SHARES if basis == "tops" else POWERS
        return cls(basis, known, alpha, margin, seed, EProcess.of(len(bets)))

    @property
    def value(self) -> float:
        """The e-value so far."""
        return self.process.value

    def begin_round(self) -> None:
        """To be called before the answers of a round are seen."""
        self.process.begin_round()

    def hear(self, canary_id: str, answer: Top | str) -> float:
        """Take in one answer; returns how strange it was: its distance (`tops`), or its rank, small if strange."""
        self.queries += 1
        if isinstance(answer, str):
            strange = self._rank(canary_id, answer[:CHARACTERS])
            factors = POWERS * strange ** (POWERS - 1)
        else:
            strange = distance(self.known[canary_id], answer)
            factors = payoffs(min(strange / (CAP * self.margin), 1.0), 1 / CAP)
        self.process.update(factors)
        if self.noticed is None and self.value >= 1 / self.alpha:
            self.noticed = self.queries
        return strange

    def _rank(self, canary_id: str, answer: str) -> float:
        """The share of answers to this canary that are as unlike the others as this one, ties by lot; never 0."""
        bag = [*self.known[canary_id], *(text for name, text in self.heard if name == canary_id), answer]
        self.heard.append((canary_id, answer))
        likeness = hamming_kernel(bag, CHARACTERS).sum(axis=1).round(9)
        lot = 1 - np.random.default_rng([self.seed, self.queries]).random()  # in (0, 1]
        ties = likeness == likeness[-1]
        return float(((likeness < likeness[-1]).sum() + lot * ties.sum()) / len(bag))

    def state(self) -> dict[str, Any]:
        """As JSON: all that a later run needs beside the recording."""
        return {
            "basis": self.basis,
            "canaries": list(self.known),
            "alpha": self.alpha,
            "margin": self.margin,
            "seed": self.seed,
            "queries": self.queries,
            "noticed": self.noticed,
            "e_value": self.value,
            "process": self.process.state(),
            "heard": [list(pair) for pair in self.heard],
        }


def sensitivity(probabilities: npt.NDArray[np.float64]) -> float:
    """How much a distribution [n] moves with its logits: the expected squared change for independent unit noise.

    Of p_i (e_i - sum_j p_j e_j) the expected square is p_i^2 (1 - 2 p_i + sum_j p_j^2). It is greatest where two answers
    are equally likely and no other is: a border, on which any change of weights decides (Chauvin et al. 2026,
    Token-Efficient Change Detection in LLM APIs, arXiv:2602.11083, border inputs).
    """
    p = probabilities
    return float((p**2 * (1 - 2 * p + (p**2).sum())).sum())


def border_of_tops(tops: Mapping[str, Top], count: int) -> list[str]:
    """The `count` canaries whose likeliest tokens are the most sensitive."""
    found = {name: sensitivity(np.array(list(top.values()))) for name, top in tops.items()}
    return sorted(found, key=lambda name: (-found[name], name))[:count]
