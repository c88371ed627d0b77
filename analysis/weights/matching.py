"""Matrices of the same role and shape, number by number: the comparison that a permutation already defeats."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from analysis.weights.roles import ATTENTION, MLP, Key
from analysis.weights.stored_model import StoredModel


@dataclass(frozen=True)
class Matched:
    """Two matrices of `size` numbers each, and their cosine. Independent ones: 0 with a spread of 1/sqrt(size)."""

    a: Key
    b: Key
    size: int
    cosine: float

    @property
    def distance(self) -> float:
        """The share of the one's norm that no multiple of the other accounts for: 0 the same but for scale, 1 nothing.

        The least of |A - s B| / |A| over all s. It follows from the cosine and is no evidence beside it.
        """
        return float(np.sqrt(max(0.0, 1 - self.cosine**2)))


def matched_matrices(a: StoredModel, b: StoredModel, layers: Sequence[tuple[int, int]]) -> Iterator[Matched]:
    """Every pair of the same role and shape in matched layers, two matrices in memory at a time.

    `layers` are places in the two models' lists of layers. Of a mixture each expert is matched with the other side's
    expert of the same number or, if that is dense, with its MLP.
    """
    experts_a, experts_b = _experts(a), _experts(b)
    for one, other in layers:
        layer_a, layer_b = a.layers[one], b.layers[other]
        for role in (*ATTENTION, *MLP):
            for expert_a, expert_b in _paired(experts_a.get((role, layer_a), ()), experts_b.get((role, layer_b), ())):
                key_a, key_b = Key(role, layer_a, expert_a), Key(role, layer_b, expert_b)
                if a.parts[key_a].shape == b.parts[key_b].shape:
                    yield _matched(a, b, key_a, key_b)


def _matched(a: StoredModel, b: StoredModel, key_a: Key, key_b: Key) -> Matched:
    one, other = a.read(key_a).ravel(), b.read(key_b).ravel()
    norm = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    cosine = float(np.dot(one, other)) / norm if norm > 0 else 0.0
    return Matched(key_a, key_b, one.size, float(np.clip(cosine, -1.0, 1.0)))


def _experts(model: StoredModel) -> dict[tuple[str, int | None], list[int | None]]:
    """The experts that a role has in a layer; [None] where it is dense."""
    found: dict[tuple[str, int | None], list[int | None]] = {}
    for key in model.parts:
        found.setdefault((key.role, key.layer), []).append(key.expert)
    return found


def _paired(ours: Sequence[int | None], theirs: Sequence[int | None]) -> Iterator[tuple[int | None, int | None]]:
    if None in ours or None in theirs:
        yield from product(ours, theirs)
    else:
        yield from ((expert, expert) for expert in ours if expert in theirs)
