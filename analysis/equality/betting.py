"""Testing by betting: tests and e-processes for the mean of numbers between 0 and 1, without assumptions.

Whoever bets against "the mean is at most m" at fair odds multiplies the money put down by 1 + f (x / m - 1) with each
number x, f being the share that is put down. If the hypothesis is true, the money grows beyond 1 / alpha with
probability at most alpha, whenever one stops (Ville 1939); so the money is an e-value. Several shares are bet side by
side, and the money is their mean, so that none has to be guessed (Waudby-Smith, Ramdas 2024, Estimating means of
bounded random variables by betting, JRSS B 86; Ramdas et al. 2023, Game-theoretic statistics and safe anytime-valid
inference).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Numbers = npt.NDArray[np.float64]
SHARES: Numbers = np.array([0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95])
"""What is put down; the money of each is kept apart."""


def payoffs(value: float, mean: float) -> Numbers:
    """What each share of `SHARES` is multiplied by when a number comes out, against "the mean is at most `mean`"."""
    return 1 + SHARES * (value / mean - 1)


def log_e_value(values: Numbers, mean: float) -> float:
    """The log of the e-value against "the mean of these numbers is at most `mean`"; values [n] in [0, 1]."""
    each = np.log1p(SHARES[:, None] * (values[None, :] / mean - 1)).sum(axis=1)
    return float(logsumexp(each) - np.log(len(SHARES)))


def p_at_most(values: Numbers, mean: float) -> float:
    """The p-value of "the mean is at most `mean`": 1 / the e-value, at most 1."""
    return float(np.exp(-max(log_e_value(values, mean), 0.0)))


def p_at_least(values: Numbers, mean: float) -> float:
    """The p-value of "the mean is at least `mean`"."""
    return p_at_most(1 - values, 1 - mean)


@dataclass
class EProcess:
    """Money that is bet on a change that may come at any time, however long all was quiet before.

    A share of what there is at first is kept back for each round to begin anew with: 1 / (j (j + 1)) for round j, which
    sums to 1. A change after a long quiet time is then noticed as soon, but for a factor of j (j + 1), instead of after
    the losses of all quiet rounds were won back. It remains one bet with money 1 at the beginning, so that Ville's
    bound holds for the whole run. (The mixture over beginnings of Shin, Ramdas, Rinaldo 2024, E-detectors, sec. 2, with
    weights that sum to 1, which bounds the chance of any false alarm and not their frequency.)

    `money` [n_bets]: of each bet what the rounds so far have made of it; `rounds` so far.
    """

    money: Numbers
    rounds: int = 0

    @classmethod
    def of(cls, n_bets: int) -> Self:
        """At the beginning."""
        return cls(np.zeros(n_bets))

    def begin_round(self) -> None:
        """Put down what was kept back for this round. To be called before its answers are seen."""
        self.rounds += 1
        self.money = self.money + 1 / (self.rounds * (self.rounds + 1))

    def update(self, factors: Numbers) -> None:
        """One answer; `factors` [n_bets] have expectation at most 1 if nothing has changed."""
        self.money = self.money * factors

    @property
    def value(self) -> float:
        """The e-value: all money, what is still kept back included."""
        return float(self.money.mean() + 1 / (self.rounds + 1))

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {"money": self.money.tolist(), "rounds": self.rounds}

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(np.array(state["money"], dtype=np.float64), int(state["rounds"]))
