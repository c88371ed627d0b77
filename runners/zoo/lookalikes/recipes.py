"""The recipes of the lookalikes: architecture, data and tokenizer. What differs between seeds is chance alone."""

from dataclasses import dataclass, replace
from typing import Literal

from probes.errors import KinprintError

Architecture = Literal["llama", "qwen2", "gpt_neox"]


@dataclass(frozen=True)
class PretrainingRecipe:
    """How a family of lookalikes is trained from nothing.

    `vocabulary` is the size of a byte-pair vocabulary learned from the same text, or the name of a zoo model whose
    tokenizer is used; `characters` of text are read from `sources` in equal shares, `tokens` of it are trained on,
    starting over where the text ends.
    """

    name: str
    architecture: Architecture
    hidden_size: int
    layers: int
    heads: int
    key_value_heads: int
    intermediate_size: int
    vocabulary: int | str
    sources: tuple[str, ...]
    characters: int
    tokens: int
    learning_rate: float = 4e-3
    matrix_rate: float = 0.02
    block_tokens: int = 256
    block_count: int = 8


MANUALS = PretrainingRecipe(
    name="manuals",
    architecture="llama",
    hidden_size=128,
    layers=5,
    heads=4,
    key_value_heads=2,
    intermediate_size=384,
    vocabulary=4096,
    sources=("python", "handbook-en", "reference-en"),
    characters=1_800_000,
    tokens=720_000,
)
ROMANCE = PretrainingRecipe(
    name="romance",
    architecture="qwen2",
    hidden_size=128,
    layers=5,
    heads=4,
    key_value_heads=2,
    intermediate_size=384,
    vocabulary=4096,
    sources=("reference-fr", "reference-es", "reference-it", "reference-pt", "handbook-it", "handbook-es"),
    characters=1_800_000,
    tokens=720_000,
)
NORTHERN = PretrainingRecipe(
    name="northern",
    architecture="gpt_neox",
    hidden_size=128,
    layers=6,
    heads=4,
    key_value_heads=4,
    intermediate_size=512,
    vocabulary=3584,
    sources=("reference-de", "handbook-nl", "handbook-nb", "python"),
    characters=1_800_000,
    tokens=720_000,
)
# The Yi story in small: another model's tokenizer and architecture, and weights of its own.
BORROWED = PretrainingRecipe(
    name="borrowed",
    architecture="llama",
    hidden_size=64,
    layers=6,
    heads=2,
    key_value_heads=1,
    intermediate_size=192,
    vocabulary="smollm2",
    sources=("python", "handbook-en", "reference-en"),
    characters=1_800_000,
    tokens=360_000,
)
PRETRAINING = {recipe.name: recipe for recipe in (MANUALS, ROMANCE, NORTHERN, BORROWED)}


def pretraining_recipe(name: str) -> PretrainingRecipe:
    """The recipe of that name; `NAME-large` is its sibling of another size: the same data, tokenizer and plan."""
    base, _, size = name.partition("-")
    if base not in PRETRAINING or size not in ("", "large"):
        raise KinprintError(f"there is no recipe {name!r} for lookalikes; known are {', '.join(PRETRAINING)}")
    recipe = PRETRAINING[base]
    return recipe if not size else replace(recipe, name=name, hidden_size=192, heads=6, intermediate_size=512)
