"""The recipes by name: how each makes a descendant, and which technique it stands for.

Whatever is fitted can leave out a whole technique, so that a descendant is judged by what never saw its kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runners.zoo.derive import add_noise, prune_by_magnitude, round_weights
from runners.zoo.fine_tune import fine_tune, standard_library_source


@dataclass(frozen=True)
class Recipe:
    """`function(source, out)` writes the derivative's folder and returns it."""

    function: Callable[[Path, Path], Path]
    technique: str


def _fine_tune_on_code(source: Path, out: Path) -> Path:
    return fine_tune(source, out, standard_library_source())


def _fine_tune_briefly(source: Path, out: Path) -> Path:
    """For models whose embeddings alone would take minutes a step on a small machine: those are frozen."""
    text = standard_library_source()
    return fine_tune(source, out, text, steps=12, learning_rate=1e-4, block_tokens=128, embeddings=False)


RECIPES: dict[str, Recipe] = {
    "round_8_bits": Recipe(partial(round_weights, bits=8), "rounding"),
    "round_4_bits": Recipe(partial(round_weights, bits=4), "rounding"),
    "noise": Recipe(partial(add_noise, relative_std=0.02), "noise"),
    "prune": Recipe(partial(prune_by_magnitude, fraction=0.2), "pruning"),
    "fine_tune_on_code": Recipe(_fine_tune_on_code, "fine_tuning"),
    "fine_tune_briefly_on_code": Recipe(_fine_tune_briefly, "fine_tuning"),
}
