"""The training loop of the lookalikes: next tokens, or a teacher's logits, in blocks, from nothing or from a model."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from runners.progress import counting
from runners.zoo.derive import is_embedding

if TYPE_CHECKING:
    import torch

Batch = TypeVar("Batch")
_WARM_UP = 0.05
_CLIP = 1.0


@dataclass(frozen=True)
class Course:
    """How long and how fast: `tokens` in steps of `block_count` blocks of `block_tokens`.

    `learning_rate` is AdamW's, for all weights; where `matrix_rate` is given, that of Muon for the matrices between
    the layers (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"), which needs a third of
    the tokens. Rates rise to their full value and fall to a tenth of it along a cosine.
    """

    tokens: int
    learning_rate: float
    matrix_rate: float | None = None
    block_tokens: int = 256
    block_count: int = 8

    @property
    def steps(self) -> int:
        """Number of steps, at least one."""
        return max(1, self.tokens // (self.block_tokens * self.block_count))

    def share(self, step: int) -> float:
        """The share of the full learning rate at a step."""
        warm = max(1, round(_WARM_UP * self.steps))
        if step < warm:
            return (step + 1) / warm
        along = (step - warm) / max(1, self.steps - warm)
        return 0.1 + 0.45 * (1 + math.cos(math.pi * along))


Loss = Callable[[Any, "torch.Tensor"], "torch.Tensor"]


def next_token_loss(model: Any, blocks: "torch.Tensor") -> "torch.Tensor":
    """Mean cross entropy of the next token, of blocks [block_count, block_tokens], in nats."""
    import torch

    logits = model(input_ids=blocks[:, :-1]).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), blocks[:, 1:].flatten())


def train(
    model: Any,
    tokens: "torch.Tensor",
    course: Course,
    seed: int,
    what: str,
    loss: Loss = next_token_loss,
    begin: int | None = None,
) -> None:
    """Train in place on tokens [n_tokens], in bfloat16 over float32 weights.

    `begin`: the token that every prompt will begin with, which stands in place of each block's first. Passes go through
    the text in orders drawn with `seed`. On one machine with one number of threads the result is the same each time.
    """
    train_on(model, _batches(tokens, course, seed, begin), course, what, loss)


def train_on(
    model: Any, batches: Iterable[Batch], course: Course, what: str, loss: Callable[[Any, Batch], "torch.Tensor"]
) -> None:
    """Train in place, a step for each of the batches, as many as the course has steps."""
    import torch

    optimizers = _optimizers(model, course)
    # on a CPU the fused kernels' way back takes longer than all the rest of a block's attention
    model.set_attn_implementation("eager")
    model.train()
    with counting(what, course.steps) as progress:
        for step, batch in zip(range(course.steps), batches, strict=False):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                value = loss(model, batch)
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
            for optimizer, rate in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = rate * course.share(step)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            progress.step()
    model.eval()


def _optimizers(model: Any, course: Course) -> list[tuple[Any, float]]:
    """Optimizers with their full learning rates; together they hold every weight once."""
    import torch

    kinds: dict[str, list[torch.Tensor]] = {"matrices": [], "others": []}
    for name, weights in model.named_parameters():
        between = course.matrix_rate is not None and weights.ndim == 2 and not is_embedding(name)
        kinds["matrices" if between else "others"].append(weights)
    found: list[tuple[Any, float]] = [
        (torch.optim.AdamW(kinds["others"], betas=(0.9, 0.95), weight_decay=0.0, fused=True), course.learning_rate)
    ]
    if course.matrix_rate is not None:
        found.append((torch.optim.Muon(kinds["matrices"], weight_decay=0.01), course.matrix_rate))
    return found


def _batches(tokens: "torch.Tensor", course: Course, seed: int, begin: int | None) -> Iterator["torch.Tensor"]:
    """Blocks [block_count, block_tokens + 1], pass after pass over the text, each in a new order."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    while True:
        start = int(torch.randint(0, course.block_tokens, (1,), generator=generator))
        whole = (len(tokens) - start - 1) // course.block_tokens
        order = torch.randperm(whole, generator=generator) * course.block_tokens + start
        for first in range(0, whole - course.block_count + 1, course.block_count):
            places = order[first : first + course.block_count].tolist()
            blocks = torch.stack([tokens[place : place + course.block_tokens + 1] for place in places])
            if begin is not None:
                blocks[:, 0] = begin
            yield blocks


def nats_on(model: Any, tokens: "torch.Tensor", block_tokens: int = 256) -> float:
    """Nats for all of tokens [n_tokens] but the first two, read in blocks that overlap by half."""
    import torch

    half, total, done = block_tokens // 2, 0.0, 2
    model.eval()
    with torch.inference_mode():
        while done < len(tokens):
            begin = max(0, done - half)
            block = tokens[begin : begin + block_tokens]
            logits = model(input_ids=block[None, :-1]).logits[0].float()
            losses = torch.nn.functional.cross_entropy(logits, block[1:], reduction="none")
            total += float(losses[done - begin - 1 :].sum())
            done = begin + len(block)
    return total
