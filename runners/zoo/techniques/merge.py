"""Merges of models that share an ancestor: linear, spherical, and by adding task vectors."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.errors import KinprintError
from runners.zoo.derive import derivative
from runners.zoo.weights import StoredWeights, save_weights

if TYPE_CHECKING:
    import torch

_PARALLEL = 1e-6  # below this sine of the angle between two tensors, the arc is its chord


def merge_linear(first: Path, second: Path, out: Path, weight: float = 0.5) -> Path:
    """The weighted mean of two models, `weight` on the second ("model soups", Wortsman et al. 2022).

    Raises KinprintError if their tensors don't match.
    """
    settings = {"technique": "merge_linear", "weight": weight}
    return _combined([first, second], out, lambda one, other: one.lerp(other, weight), settings)


def merge_spherical(first: Path, second: Path, out: Path, weight: float = 0.5) -> Path:
    """Each tensor of two models interpolated along the arc between them (slerp: Shoemake 1985).

    Raises KinprintError if their tensors don't match.
    """
    settings = {"technique": "merge_spherical", "weight": weight}
    return _combined([first, second], out, lambda one, other: _slerp(one, other, weight), settings)


def add_task_vectors(base: Path, *tuned: Path, out: Path, scale: float = 0.5) -> Path:
    """The base plus `scale` times the sum of what each fine-tune changed (Ilharco et al. 2023, task arithmetic).

    Raises KinprintError if their tensors don't match.
    """

    def combine(start: "torch.Tensor", *ends: "torch.Tensor") -> "torch.Tensor":
        changes = start.new_zeros(start.shape)
        for end in ends:
            changes += end - start
        return start + scale * changes

    return _combined([base, *tuned], out, combine, {"technique": "task_arithmetic", "scale": scale})


def _slerp(one: "torch.Tensor", other: "torch.Tensor", weight: float) -> "torch.Tensor":
    cosine = (one.flatten() @ other.flatten()) / (one.norm() * other.norm()).clamp_min(1e-12)
    angle = cosine.clamp(-1, 1).arccos()
    if angle.sin() < _PARALLEL:
        return one.lerp(other, weight)
    return (((1 - weight) * angle).sin() * one + (weight * angle).sin() * other) / angle.sin()


def _combined(
    sources: Sequence[Path], out: Path, combine: "Callable[..., torch.Tensor]", settings: dict[str, Any]
) -> Path:
    stored = [StoredWeights(source) for source in sources]
    for other in stored[1:]:
        if other.names != stored[0].names:
            raise KinprintError(f"{other.folder} and {stored[0].folder} can't be merged: their tensors differ in name")
    with derivative(sources[0], out, settings) as made:
        tensors = {}
        for name in stored[0].names:
            parts = [weights[name] for weights in stored]
            if len({part.shape for part in parts}) > 1:
                raise KinprintError(f"{sources[0]} and {sources[1]} can't be merged: {name} differs in shape")
            tensors[name] = combine(*(part.float() for part in parts)).to(parts[0].dtype)
        save_weights(tensors, made)
    return out
