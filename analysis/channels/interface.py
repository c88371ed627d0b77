"""What a channel is."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from analysis.observation import Observation

Arrays = Mapping[str, npt.NDArray[Any]]
CONTINUED = "continued"
"""Marks canaries whose answers don't show whether they begin with a space: a matter of access, no evidence."""


def continued_rows(observation: Observation) -> Arrays:
    """That array [n], where the access has such canaries."""
    return {} if observation.continued is None else {CONTINUED: observation.continued}


def continued_in_either(candidate: Arrays, reference: Arrays) -> npt.NDArray[np.bool_] | None:
    """The canaries [n] that are so marked on either side; None where no side marks any."""
    marked = [side[CONTINUED] for side in (candidate, reference) if CONTINUED in side]
    return np.logical_or.reduce(marked) if marked else None


class Channel(Protocol):
    """One kind of evidence, as two pure functions.

    `tokenizer_dependent` says whether it can tell two models apart by their tokenizer alone, which proves nothing
    about their weights.
    """

    name: str
    tokenizer_dependent: bool

    def extract(self, observation: Observation) -> Arrays | None:
        """Arrays whose first axis is the canaries, or None where the access can't feed this channel."""
        ...

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """How alike the two answered, a canary: [n_canaries], 1 in expectation for the same model, 0 for none.

        Both sides hold the same canaries in the same order; NaN where one of them gave nothing.
        """
        ...
