"""What a channel is: one file in this folder that names its `CHANNEL`, of one of two kinds.

A `Channel` says canary by canary how alike two models answered; these can be weighed, and decide the family.
A `PairChannel` looks at two recordings as wholes and gives named numbers; these are shown, and never decide a family.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from analysis.signatures.observation import Observation
from analysis.signatures.unfed import Unfed as Unfed
from analysis.signatures.whole import Whole

Arrays = Mapping[str, npt.NDArray[Any]]
Numbers = Mapping[str, float]
Rung = Literal["tokenizer", "family", "descent", "habits"]
CONTINUED = "continued"
"""Marks canaries whose answers don't show whether they begin with a space: a matter of access, no evidence."""


def continued_rows(observation: Observation) -> Arrays:
    """That array [n], where the access has such canaries."""
    return {} if observation.continued is None else {CONTINUED: observation.continued}


def continued_in_either(candidate: Arrays, reference: Arrays) -> npt.NDArray[np.bool_] | None:
    """The canaries [n] that are so marked on either side; None where no side marks any."""
    marked = [side[CONTINUED] for side in (candidate, reference) if CONTINUED in side]
    return np.logical_or.reduce(marked) if marked else None


@runtime_checkable
class Channel(Protocol):
    """One kind of evidence, as two pure functions.

    `tokenizer_dependent` says whether it can tell two models apart by their tokenizer alone, which proves nothing
    about their weights.
    """

    name: str
    tokenizer_dependent: bool

    def extract(self, observation: Observation) -> Arrays | Unfed:
        """Arrays whose first axis is the canaries, or why the access can't feed this channel."""
        ...

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """How alike the two answered, a canary: [n_canaries], 1 in expectation for the same model, 0 for none.

        Both sides hold the same canaries in the same order; NaN where one of them gave nothing.
        """
        ...


@runtime_checkable
class PairChannel(Protocol):
    """One kind of evidence about recordings as wholes, as three pure functions.

    `rung` is the question that it speaks to (the tokenizer's, the family's, descent's), or `habits`, which answer none.
    The names of the numbers are for people; the channel's docstrings say what each means. {} where there is nothing.
    """

    name: str
    rung: Rung
    tokenizer_dependent: bool

    def extract(self, whole: Whole) -> Arrays | Unfed:
        """Arrays of any shape, or why the recording can't feed this channel."""
        ...

    def describe(self, candidate: Arrays) -> Numbers:
        """What one recording shows by itself."""
        ...

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """The candidate beside a reference; `population` are models of other families than the reference's.

        What the candidate shares with the population it shares with strangers, so that is taken out or shown beside.
        """
        ...
