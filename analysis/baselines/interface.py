"""What a peer is: a file in this folder that names its `BASELINE`, a frozen dataclass whose fields are its settings."""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from analysis.baselines.outputs import Outputs

Scores = npt.NDArray[np.float64]
"""[n_candidates, n_references], higher is more alike; NaN where a method finds nothing to compare."""
Kin = npt.NDArray[np.bool_]


class Baseline(Protocol):
    """A published method as a score of pairs, with settings to be chosen on training lineages, and on nothing else.

    `accesses` are those it is used at, by name, `citation` says where it comes from. `tokenizer_dependent` says
    whether, where the access shows tokens, it can tell two models apart by their tokenizer alone; `pairwise`, whether a
    pair's score depends on these two models alone, so that scores once computed hold for any part of the references.
    """

    @property
    def name(self) -> str: ...
    @property
    def citation(self) -> str: ...
    @property
    def accesses(self) -> tuple[str, ...]: ...
    @property
    def tokenizer_dependent(self) -> bool: ...
    @property
    def pairwise(self) -> bool: ...

    def grid(self) -> tuple[Self, ...]:
        """The settings that are tried, the paper's first."""
        ...

    def scores(self, candidates: Sequence[Outputs], references: Sequence[Outputs]) -> Scores:
        """How alike each candidate is to each reference: [n_candidates, n_references].

        All hold the same canaries in the same order. Of a candidate's lineage nothing is read; of a reference's, only
        by methods that need to know which references are one. A reference that bears the candidate's name is never
        held against others.
        """
        ...

    def threshold(self, scores: Scores, same_lineage: Kin) -> float:
        """The score from which a pair is called kin, as the method itself would set it on training pairs."""
        ...
