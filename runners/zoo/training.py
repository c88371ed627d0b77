"""Training a model further: what every technique that trains has in common."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from probes.errors import KinprintError
from runners.progress import waiting
from runners.zoo.derive import derivative
from runners.zoo.weights import INDEX, StoredWeights

if TYPE_CHECKING:
    import torch

Batch = TypeVar("Batch")


@dataclass
class Trainee:
    """A model in float32 with its tokenizer; what `model` is at the end is saved."""

    model: Any
    tokenizer: Any


@contextmanager
def trained(source: Path, out: Path, settings: dict[str, Any], seed: int) -> Iterator[Trainee]:
    """A derivative whose weights the body trains: loaded in float32, saved to `out` in the source's dtype.

    A GPU is used where there is one. On one machine with one number of threads the result is the same each time.
    Raises KinprintError for an unreadable source or an existing `out`.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    with derivative(source, out, {**settings, "seed": seed}) as made:
        torch.manual_seed(seed)
        loaded: Any = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        trainee = Trainee(loaded.to(device), AutoTokenizer.from_pretrained(source))
        yield trainee
        (made / INDEX).unlink(missing_ok=True)  # of a source in several files
        trainee.model.to(StoredWeights(source).dtype).save_pretrained(made)
        for path in made.glob("*.safetensors"):
            path.chmod(0o644)


def train(
    model: Any,
    batches: Iterable[Batch],
    loss_of: Callable[[Any, Batch], "torch.Tensor"],
    learning_rate: float,
) -> None:
    """One AdamW step a batch, gradients clipped to norm 1, over the parameters that require a gradient."""
    import torch

    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.0)
    model.train()
    with waiting("training", every=60) as tick:
        for batch in batches:
            loss_of(model, batch).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            tick()
    model.eval()


def freeze_embeddings(model: Any) -> None:
    """Leave the embedding and output matrices as they are: where they are large, that saves most of the memory."""
    model.get_input_embeddings().requires_grad_(False)
    model.get_output_embeddings().requires_grad_(False)


def next_token_loss(model: Any, block: "torch.Tensor") -> "torch.Tensor":
    """Mean cross-entropy (nats) of the tokens of one block [block_tokens]."""
    tokens = block[None].to(model.device)
    loss: torch.Tensor = model(input_ids=tokens, labels=tokens).loss
    return loss


def blocks_of(tokenizer: Any, text: str, steps: int, block_tokens: int, seed: int) -> "torch.Tensor":
    """Blocks of tokens [steps, block_tokens] that start at random places in a text.

    Raises KinprintError if the text is shorter than one block.
    """
    import torch

    tokens = torch.tensor(tokenizer(text, add_special_tokens=False)["input_ids"])  # [tokens]
    if len(tokens) < block_tokens:
        raise KinprintError(f"the text to train on has {len(tokens)} tokens; one block needs {block_tokens}")
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(0, len(tokens) - block_tokens + 1, (steps,), generator=generator)
    return torch.stack([tokens[start : start + block_tokens] for start in starts.tolist()])
