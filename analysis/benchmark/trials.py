"""What the family test found, by model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Subset = tuple[int, int]
"""A number of canaries, and the seed that they were drawn with."""


@dataclass
class Trials:
    """What was measured of each model at each (budget, seed), by model: `hit` and `loss` (nats) of known candidates;
    `named` where the likeliest family is the true one, `unknown` aside;
    `hit_same_tokenizer` against the references with the candidate's tokenizer alone, where they are of two families;
    `unknown_known` and `unknown_left_out`, the posterior of `unknown` with the model's family there and taken out;
    `rejected`, whether the latter lies above the threshold; `attributed` and `stranger_attributed`, whether the own
    family, or with it taken out any family, is as likely as it takes to name one; `posterior` and `posterior_left_out`
    [n_families + 1] over the references' families in sorted order and `unknown`, with the model's family there and
    taken out."""

    hit: dict[Subset, dict[int, float]] = field(default_factory=dict)
    named: dict[Subset, dict[int, float]] = field(default_factory=dict)
    hit_same_tokenizer: dict[Subset, dict[int, float]] = field(default_factory=dict)
    loss: dict[Subset, dict[int, float]] = field(default_factory=dict)
    unknown_known: dict[Subset, dict[int, float]] = field(default_factory=dict)
    unknown_left_out: dict[Subset, dict[int, float]] = field(default_factory=dict)
    rejected: dict[Subset, dict[int, float]] = field(default_factory=dict)
    attributed: dict[Subset, dict[int, float]] = field(default_factory=dict)
    stranger_attributed: dict[Subset, dict[int, float]] = field(default_factory=dict)
    posterior: dict[Subset, dict[int, npt.NDArray[np.float64]]] = field(default_factory=dict)
    posterior_left_out: dict[Subset, dict[int, npt.NDArray[np.float64]]] = field(default_factory=dict)

    def keep(self, what: str, subset: Subset, values: Mapping[int, Any]) -> None:
        getattr(self, what).setdefault(subset, {}).update(values)
