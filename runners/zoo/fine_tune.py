"""A plain fine-tune of all weights on a given text: continued training, as short or as long as one likes."""

from pathlib import Path

from runners.zoo.training import blocks_of, freeze_embeddings, next_token_loss, train, trained

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
    settings = {"technique": "fine_tuning", "steps": steps, "learning_rate": learning_rate}
    settings |= {"block_tokens": block_tokens, "embeddings": embeddings}
    with trained(source, out, settings, seed) as trainee:
        blocks = blocks_of(trainee.tokenizer, text, steps, block_tokens, seed)
        if not embeddings:
            freeze_embeddings(trainee.model)
        train(trainee.model, blocks, next_token_loss, learning_rate)
    return out
