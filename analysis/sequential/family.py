"""A family, found by asking one question after the other: the same object asks a candidate and replays an innocent."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from analysis.benchmark.pair_features import Matrix
from analysis.sequential.learned import Learned
from analysis.sequential.shared import SharedOn
from analysis.sequential.weights import look_before
from probes.manifest import Tier

FIRST: Mapping[Tier, int] = {"logits": 6, "topk": 6, "text": 8}
"""Canaries before the first look: on fewer, a stranger's answers look like kin's now and then."""
Order = Literal["informative", "random"]


def usual_order(named: bool) -> Order:
    """How canaries are ordered best: where tokens are named, those that tell most by their answers show logits that
    are much alike, and a space takes rows that differ."""
    return "random" if named else "informative"


class FamilySteps:
    """Who is it, after every batch of answers: `next_batch`, ask these canaries, `tell` what came of it.

    Canaries are chosen by the posterior so far (`order` "informative"), or drawn (`seed`). After each batch, from
    `first` canaries on, `log_odds` has a row [n_families + 1], `unknown` last, of the log odds of each hypothesis,
    `evidence` the same without the doubt that bounds them (how far apart two models are must not stop at a bound; for
    `unknown`, which is that nothing was found, it may, and it begins at the prior's odds: how surely known a model is
    says nothing of how far such models get towards `unknown`), and `looks` the number of canaries asked.
    """

    def __init__(
        self, learned: Learned, order: Order = "informative", seed: int = 0, first: int = FIRST["topk"]
    ) -> None:
        self.learned, self.first = learned, first
        n = learned.background.shape[1]
        self.order = None if order == "informative" else np.random.default_rng(seed).permutation(n)
        self.asked: list[int] = []
        self.log_posterior: Matrix = learned.log_prior
        self._none_found = float(_log_odds(learned.log_prior)[-1])
        self.log_odds: list[Matrix] = []
        self.evidence: list[Matrix] = []
        self.looks: list[int] = []
        self.shared: Matrix | None = None
        self._looked_at = 0

    def next_batch(self, size: int = 1) -> list[int]:
        """Places of the canaries to ask next; none when all were asked."""
        free = np.ones(self.learned.background.shape[1], dtype=bool)
        free[self.asked] = False
        size = min(size, int(free.sum()))
        if self.order is not None:
            return [int(place) for place in self.order[free[self.order]][:size]]
        return most_informative(np.exp(self.log_posterior), self.learned.tells, free, size)

    def tell(
        self,
        batch: Sequence[int],
        similarities: npt.NDArray[np.floating],
        standing: Matrix,
        shared: SharedOn | None = None,
        differing: Sequence[int] | None = None,
    ) -> None:
        """What all answers so far show, those to `batch` last: [n_channels, n_references, n_asked], NaN for nothing.

        `standing` [n_kinds, n_references]: how far each reference stands out among its rivals on them (of no kind,
        where that does not count). `shared` says what logits have in common with every reference's, where that
        counts; `differing` are those of the canaries asked whose answers differ: repeated ones tell nothing new
        about logits.
        """
        self.asked += list(batch)
        rows = self.asked if differing is None else list(differing)
        if shared is not None and (look := look_before(len(rows))) > self._looked_at:
            self.shared, self._looked_at = shared(rows[:look]), look
        elif shared is not None and self.shared is None:
            self.shared = np.zeros(similarities.shape[1])
        known, level = ~np.isnan(similarities), self.learned.background[:, None, self.asked]
        excess = np.where(known, similarities - level, 0).sum(axis=-1)
        possible = np.where(known, 1 - level, 0).sum(axis=-1)
        n = len(self.asked) if shared is None else min(len(self.asked), len(rows))
        beside = [*standing, *(() if self.shared is None else (self.shared,))]
        found = self.learned.log_posterior(excess, possible, n, beside)
        self.log_posterior = found[0]
        if len(self.asked) < self.first:
            return
        self.log_odds.append(_log_odds(found[0]))
        self.evidence.append(np.append(_log_odds(found[1])[:-1], max(self.log_odds[-1][-1], self._none_found)))
        self.looks.append(len(self.asked))


def _log_odds(log_posterior: Matrix) -> Matrix:
    """Of each hypothesis against all others: [n_hypotheses]."""
    others = np.repeat(log_posterior[None], len(log_posterior), axis=0)
    np.fill_diagonal(others, -np.inf)
    odds: Matrix = log_posterior - logsumexp(others, axis=1)
    return odds


def most_informative(posterior: Matrix, tells: Matrix, free: npt.NDArray[np.bool_], size: int) -> list[int]:
    """The canaries with the greatest expected information about the family, one after the other.

    The information about which of several hypotheses holds is at most the sum over pairs of them of posterior times
    posterior times the divergence of what they lead one to expect (Lindley 1956 for the aim; the bound by convexity).
    `posterior` [n_families + 1]; `tells` [n_families, n_families + 1, n_canaries]; a canary of the same batch that
    tells the same pairs apart makes these pairs count less.
    """
    pairs = posterior[:-1, None] * posterior[None, :]
    most, chosen, free = max(float(tells.max(initial=0)), 1e-12), list[int](), free.copy()
    for _ in range(size):
        expected = np.where(free, np.tensordot(pairs, tells, axes=2), -np.inf)
        best = int(expected.argmax())
        chosen.append(best)
        free[best] = False
        pairs = pairs * np.exp(-np.clip(tells[..., best], 0, None) / most)
    return chosen
