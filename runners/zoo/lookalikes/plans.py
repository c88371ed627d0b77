"""The plans of the lookalikes: architecture, data and tokenizer. What differs between seeds of one is chance alone."""

from dataclasses import dataclass, replace
from typing import Literal

from probes.errors import KinprintError
from runners.zoo.lookalikes.training import Course

Architecture = Literal["llama", "qwen2", "gpt_neox"]


@dataclass(frozen=True)
class PretrainingPlan:
    """How a family of lookalikes is trained from nothing.

    `vocabulary` is the size of a byte-pair vocabulary learned from the same text, or the name of a zoo model or another
    plan whose tokenizer is used; `characters` of text are read from `sources` in equal shares, `tokens` of it are
    trained on, starting over where the text ends. Where `drawn` is given, the loss is against the text's own tokens and
    so many of the others at a time (`sampled_loss.py`).
    """

    name: str
    architecture: Architecture
    hidden_size: int
    layers: int
    heads: int
    key_value_heads: int
    intermediate_size: int
    vocabulary: "int | str | PretrainingPlan"
    sources: tuple[str, ...]
    characters: int
    tokens: int
    learning_rate: float = 4e-3
    matrix_rate: float = 0.02
    drawn: int = 0

    @property
    def course(self) -> Course:
        """How it is trained."""
        return Course(self.tokens, self.learning_rate, self.matrix_rate)


MANUALS = PretrainingPlan(
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
    tokens=1_400_000,
)
ROMANCE = PretrainingPlan(
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
    tokens=1_400_000,
)
NORTHERN = PretrainingPlan(
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
    tokens=1_400_000,
)
ALPINE = PretrainingPlan(
    name="alpine",
    architecture="qwen2",
    hidden_size=128,
    layers=5,
    heads=4,
    key_value_heads=4,
    intermediate_size=320,
    vocabulary=5120,
    sources=("handbook-de", "handbook-fr", "handbook-en", "reference-en", "python"),
    characters=1_800_000,
    tokens=1_200_000,
)
IBERIAN = PretrainingPlan(
    name="iberian",
    architecture="gpt_neox",
    hidden_size=160,
    layers=4,
    heads=5,
    key_value_heads=5,
    intermediate_size=480,
    vocabulary=5120,
    sources=("reference-es", "reference-pt", "handbook-es", "handbook-en", "reference-fr", "python"),
    characters=1_800_000,
    tokens=1_200_000,
)
# The Yi story in small: another model's tokenizer and architecture, and weights of its own.
BORROWED = PretrainingPlan(
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
    tokens=700_000,
)
# The same of the zoo's other real models, so that each of them has strangers with its tokenizer.
BORROWED_QWEN = replace(BORROWED, name="borrowed_qwen", architecture="qwen2", vocabulary="qwen2.5-coder", drawn=8192)
BORROWED_GEMMA = replace(BORROWED, name="borrowed_gemma", vocabulary="gemma3", drawn=8192)
# Nearer at hand: another plan's tokenizer, text in part the same, and a shape and weights of their own.
ADOPTED = PretrainingPlan(
    name="adopted",
    architecture="llama",
    hidden_size=128,
    layers=4,
    heads=4,
    key_value_heads=4,
    intermediate_size=448,
    vocabulary=MANUALS,
    sources=("python", "handbook-en", "handbook-fr", "reference-it"),
    characters=1_800_000,
    tokens=1_200_000,
)
LATIN = replace(
    ADOPTED, name="latin", vocabulary=ROMANCE, sources=("reference-es", "reference-it", "handbook-fr", "python")
)
NORDIC = replace(
    ADOPTED, name="nordic", vocabulary=NORTHERN, sources=("handbook-nl", "python", "handbook-de", "handbook-en")
)
_PLANS = (MANUALS, ROMANCE, NORTHERN, ALPINE, IBERIAN, BORROWED, BORROWED_QWEN, BORROWED_GEMMA, ADOPTED, LATIN, NORDIC)
PRETRAINING = {plan.name: plan for plan in _PLANS}


def pretraining_plan(name: str) -> PretrainingPlan:
    """The plan of that name; `NAME-small` is its sibling of another size: the same data, tokenizer and course."""
    base, _, size = name.partition("-")
    if base not in PRETRAINING or size not in ("", "small"):
        raise KinprintError(f"there is no plan {name!r} for lookalikes; known are {', '.join(PRETRAINING)}")
    plan = PRETRAINING[base]
    if not size:
        return plan
    return replace(plan, name=name, hidden_size=96, heads=3, key_value_heads=1, intermediate_size=256)
