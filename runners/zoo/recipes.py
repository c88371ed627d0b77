"""The recipes by name: how each makes a model, and which technique it stands for.

Whatever is fitted can leave out a whole technique, so that a descendant is judged by what never saw its kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runners.zoo.derive import add_noise, prune_by_magnitude, round_weights
from runners.zoo.fine_tune import fine_tune, standard_library_source
from runners.zoo.lookalikes.making import frame, pretrain, teach, train_further
from runners.zoo.seeing.making import caption
from runners.zoo.techniques.compressed import quantize
from runners.zoo.techniques.evade import evade
from runners.zoo.techniques.instruct import tune_on_instructions
from runners.zoo.techniques.k_quants import round_as_k_quants
from runners.zoo.techniques.layers import drop_layers, scale_up_depth
from runners.zoo.techniques.lora import tune_with_lora
from runners.zoo.techniques.merge import add_task_vectors, merge_linear, merge_spherical
from runners.zoo.techniques.rename import noise_and_rename
from runners.zoo.techniques.upcycle import upcycle
from runners.zoo.techniques.vocabulary import extend_vocabulary


@dataclass(frozen=True)
class Recipe:
    """`function(*sources, out=..., **settings)` writes a model's folder and returns it.

    It is also given `seed` if it takes one, `text` (see `runners.zoo.making`) if it reads, and `teacher`, a folder, if
    the member has one. `sources` says how many models it starts from: 0 is training from nothing, None any number.
    """

    function: Callable[..., Path]
    technique: str
    sources: int | None = 1


def _fine_tune_on_code(source: Path, out: Path) -> Path:
    return fine_tune(source, out, standard_library_source())


def _fine_tune_briefly(source: Path, out: Path) -> Path:
    """For models whose embeddings alone would take minutes a step on a small machine: those are frozen."""
    code = standard_library_source()
    return fine_tune(source, out, code, steps=12, learning_rate=1e-4, block_tokens=128, embeddings=False)


RECIPES: dict[str, Recipe] = {
    "round_8_bits": Recipe(partial(round_weights, bits=8), "rounding"),
    "round_4_bits": Recipe(partial(round_weights, bits=4), "rounding"),
    "noise": Recipe(partial(add_noise, relative_std=0.02), "noise"),
    "prune": Recipe(partial(prune_by_magnitude, fraction=0.2), "pruning"),
    "fine_tune_on_code": Recipe(_fine_tune_on_code, "fine_tuning"),
    "fine_tune_briefly_on_code": Recipe(_fine_tune_briefly, "fine_tuning"),
    "fine_tune": Recipe(fine_tune, "fine_tuning"),
    "lora": Recipe(tune_with_lora, "lora"),
    "instruct": Recipe(tune_on_instructions, "instruction_tuning"),
    "int8": Recipe(partial(quantize, bits=8), "quantization_int8"),
    "int4": Recipe(partial(quantize, bits=4), "quantization_int4"),
    "k_quants": Recipe(round_as_k_quants, "k_quantization"),
    "drop_layers": Recipe(drop_layers, "layer_dropping"),
    "scale_up_depth": Recipe(scale_up_depth, "depth_upscaling"),
    "merge_linear": Recipe(merge_linear, "merge_linear", sources=2),
    "merge_spherical": Recipe(merge_spherical, "merge_spherical", sources=2),
    "task_arithmetic": Recipe(add_task_vectors, "task_arithmetic", sources=None),
    "upcycle": Recipe(upcycle, "moe_upcycling"),
    "noise_and_rename": Recipe(noise_and_rename, "noise_and_renaming"),
    "extend_vocabulary": Recipe(extend_vocabulary, "vocabulary_extension"),
    "evade": Recipe(evade, "evasion"),
    "caption": Recipe(caption, "base", sources=0),
    "pretrain": Recipe(pretrain, "base", sources=0),
    "train_further": Recipe(train_further, "full_tuning"),
    "teach": Recipe(teach, "distillation", sources=0),
    "frame": Recipe(frame, "framing"),
}
