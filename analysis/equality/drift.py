"""Has the model behind an endpoint changed? A few border canaries, repeated, and an e-process over their answers.

Where logprobs are given, each answer's distance from the recorded one is a number, and it is bet against "their mean is
at most the margin" (`analysis.equality.betting`). Where only sampled answers are, each is ranked by how unlike it is
to the recorded ones and to those heard since: under "nothing has changed" they are exchangeable, so that the ranks,
ties broken at random, are independent and uniform (Vovk, Nouretdinov, Gammerman 2003, Testing exchangeability on-line,
ICML), and bets on small ones are fair. Nothing has to be known of the distribution, and two recorded answers to a
canary are enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np

from analysis.baselines.equality_testing import hamming_kernel
from analysis.equality.betting import SHARES, EProcess, payoffs
from analysis.equality.equality import CAP
from analysis.equality.paired import MOST_TOPS
from analysis.equality.paired_draws import CHARACTERS
from analysis.equality.paired_tops import Top, distance, tops
from analysis.signatures.observation import Access, observe
from probes.recording import Recording

MARGIN = 2e-3
"""Mean distance up to which nothing has changed. Border canaries are the ones that arithmetic moves most, so it is four
times that of `analysis.equality.equality`; a change of weights that shows at all is ten times farther
(docs/equality.md)."""
POWERS = np.array([0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
"""Bets on a rank p: it pays c p^(c - 1), which is fair for each of these c."""
Basis = Literal["tops", "draws"]


@dataclass
class Drift:
    """A watch over an endpoint, from its beginning or as an earlier run left it.

    `known`: the recorded likeliest tokens of each canary watched (`tops`), or the answers known so far (`draws`), by
    id. `noticed`: after how many queries the e-value reached 1 / alpha, None if it did not; it stays noticed.
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
        cls, known: Mapping[str, Any], basis: Basis, alpha: float = 0.01, margin: float = MARGIN, seed: int = 0
    ) -> Self:
        """At the beginning."""
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

    @classmethod
    def of_state(cls, state: Mapping[str, Any], known: Mapping[str, Any]) -> Self:
        """From JSON, and what is known of the same canaries."""
        heard = [(str(name), str(text)) for name, text in state["heard"]]
        process = EProcess.of_state(state["process"])
        names = ("basis", "alpha", "margin", "seed", "queries", "noticed")
        return cls(known=known, process=process, heard=heard, **{name: state[name] for name in names})


def known_answers(recording: Recording, basis: Basis, ids: Sequence[str]) -> dict[str, Any]:
    """What a recording shows of these canaries: their likeliest tokens, or their sampled answers. Those it has."""
    if basis == "draws":
        most = max((len(texts) for texts in recording.draw_texts.values()), default=0)
        seen = observe(recording, Access("text", draws=most)) if most else None
        texts = {} if seen is None else dict(zip((c.id for c in seen.canaries), seen.texts, strict=True))
        return {name: [*texts[name]] for name in ids if name in recording.draw_texts and texts.get(name)}
    seen = observe(recording)
    found = dict(zip((canary.id for canary in seen.canaries), tops(seen, MOST_TOPS), strict=True))
    return {name: top for name in ids if (top := found.get(name)) is not None}
