"""A short, plain fine-tune on a given text: the smallest real case of continued training."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.errors import KinprintError
from runners.zoo.derive import derivative

if TYPE_CHECKING:
    import torch

# Ordinary code, long enough for some hundred steps, in every installation of Python.
STANDARD_LIBRARY = (
    "argparse",
    "asyncio.base_events",
    "configparser",
    "datetime",
    "doctest",
    "mailbox",
    "tarfile",
)


def standard_library_source() -> str:
    """Source of some modules of Python's standard library, one after the other."""
    import importlib.util

    specs = (importlib.util.find_spec(name) for name in STANDARD_LIBRARY)
    return "\n\n".join(Path(str(spec.origin)).read_text(encoding="utf-8") for spec in specs if spec)


def fine_tune(
    source: Path,
    out: Path,
    text: str,
    steps: int = 30,
    learning_rate: float = 5e-5,
    seed: int = 0,
    *,
    block_tokens: int = 256,
    embeddings: bool = True,
) -> Path:
    """Train a model further on `text` with AdamW, in float32, and return `out`; a step sees one block.

    Blocks of `block_tokens` are drawn with `seed`; on one machine with one number of threads the result is
    the same each time.
    `embeddings=False` freezes the embedding and output matrices, which saves memory where they are large.
    Raises KinprintError for an unreadable source, an existing `out` or a text shorter than one block.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings = {"technique": "fine_tuning", "steps": steps, "learning_rate": learning_rate, "seed": seed}
    with derivative(source, out, {**settings, "block_tokens": block_tokens, "embeddings": embeddings}) as made:
        tokenizer = AutoTokenizer.from_pretrained(source)
        tokens = torch.tensor(tokenizer(text, add_special_tokens=False)["input_ids"])  # [tokens]
        if len(tokens) < block_tokens:
            raise KinprintError(f"the text to fine-tune on has {len(tokens)} tokens; one block needs {block_tokens}")
        model: Any = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
        _train(model, _blocks(tokens, steps, block_tokens, seed), learning_rate, embeddings)
        (made / "model.safetensors.index.json").unlink(missing_ok=True)  # of a source in several files
        model.to(_stored_dtype(source)).save_pretrained(made)
        for path in made.glob("*.safetensors"):
            path.chmod(0o644)
    return out


def _blocks(tokens: "torch.Tensor", steps: int, block_tokens: int, seed: int) -> "torch.Tensor":
    """Blocks of tokens [steps, block_tokens] that start at random places."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(0, len(tokens) - block_tokens + 1, (steps,), generator=generator)
    return torch.stack([tokens[start : start + block_tokens] for start in starts.tolist()])


def _train(model: Any, blocks: "torch.Tensor", learning_rate: float, embeddings: bool) -> None:
    import torch

    model.get_input_embeddings().requires_grad_(embeddings)
    model.get_output_embeddings().requires_grad_(embeddings)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=0.0)
    model.train()
    for block in blocks:
        loss = model(input_ids=block[None], labels=block[None]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    model.eval()


def _stored_dtype(source: Path) -> Any:
    from safetensors import safe_open

    with safe_open(sorted(source.glob("*.safetensors"))[0], framework="pt") as stored:
        return stored.get_tensor(next(iter(stored.keys()))).dtype
