"""Low-rank adaptation by peft, merged into the weights."""

from pathlib import Path

from probes.errors import KinprintError
from runners.zoo.training import blocks_of, next_token_loss, train, trained


def tune_with_lora(
    source: Path,
    out: Path,
    text: str,
    steps: int = 60,
    learning_rate: float = 2e-4,
    seed: int = 0,
    *,
    rank: int = 8,
    block_tokens: int = 256,
) -> Path:
    """Train adapters of `rank` on every projection (Hu et al. 2022), and merge them.

    Raises KinprintError if peft is not installed, for an unreadable source or a text shorter than one block.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise KinprintError(f"LoRA needs peft ({error}); install kinprint[cpu] or kinprint[gpu]") from error
    settings = {"technique": "lora", "rank": rank, "steps": steps, "learning_rate": learning_rate}
    with trained(source, out, {**settings, "block_tokens": block_tokens}, seed) as trainee:
        blocks = blocks_of(trainee.tokenizer, text, steps, block_tokens, seed)
        adapters = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
        adapted = get_peft_model(trainee.model, adapters)
        train(adapted, blocks, next_token_loss, learning_rate)
        trainee.model = adapted.merge_and_unload()
    return out
