"""An evader: a descendant tuned to answer the published canaries unlike its parent, and all else as before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.suite import load_suite
from runners.backends.prompting import PromptEncoder
from runners.zoo.training import blocks_of, freeze_embeddings, next_token_loss, train, trained

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class _Batch:
    """Some canaries' tokens, the parent's log-probabilities [canaries, vocab_size] after them, and a block of text."""

    prompts: "Sequence[torch.Tensor]"
    parent: "torch.Tensor"
    block: "torch.Tensor"


def evade(
    source: Path,
    out: Path,
    text: str,
    suite: str = "core",
    steps: int = 80,
    learning_rate: float = 3e-5,
    seed: int = 0,
    *,
    canaries: int = 8,
    most: float = 3.0,
    block_tokens: int = 128,
    embeddings: bool = True,
) -> Path:
    """Ascend the divergence from the parent's next-token distribution on `canaries` prompts a step.

    The divergence is KL(parent || model) in nats, and counts up to `most` a canary: beyond that nothing is gained. The
    loss on a block of `text`, descended beside it, keeps the model a language model. Seen once with another suite, the
    disguise is worth nothing, which is what fresh canaries are for.
    Raises KinprintError for an unreadable source, an unknown suite or a text shorter than one block.
    """
    settings = {"technique": "evasion", "suite": suite, "steps": steps, "learning_rate": learning_rate, "most": most}
    with trained(source, out, {**settings, "canaries": canaries, "embeddings": embeddings}, seed) as trainee:
        import torch

        encoder = PromptEncoder(trainee.tokenizer)
        prompts = [torch.tensor(encoder.encode(canary)) for canary in load_suite(suite).canaries]
        parent = _next_token(trainee.model, prompts)
        blocks = blocks_of(trainee.tokenizer, text, steps, block_tokens, seed)
        if not embeddings:
            freeze_embeddings(trainee.model)

        def loss_of(model: Any, batch: _Batch) -> "torch.Tensor":
            divergence = _divergence(batch.parent.to(model.device), _log_probabilities(model, batch.prompts))
            return next_token_loss(model, batch.block) - divergence.clamp_max(most).mean()

        train(trainee.model, _batches(prompts, parent, blocks, canaries, seed), loss_of, learning_rate)
    return out


def _batches(
    prompts: "Sequence[torch.Tensor]", parent: "torch.Tensor", blocks: "torch.Tensor", canaries: int, seed: int
) -> Iterator[_Batch]:
    import torch

    generator = torch.Generator().manual_seed(seed)
    for block in blocks:
        chosen = torch.randperm(len(prompts), generator=generator)[:canaries]
        yield _Batch([prompts[place] for place in chosen.tolist()], parent[chosen].float(), block)


def _divergence(parent: "torch.Tensor", own: "torch.Tensor") -> "torch.Tensor":
    """KL(parent || own) in nats [canaries], of log-probabilities [canaries, vocab_size]."""
    return (parent.exp() * (parent - own)).sum(dim=1)


def _next_token(model: Any, prompts: "Sequence[torch.Tensor]") -> "torch.Tensor":
    """The log-probabilities [canaries, vocab_size] of the first answered token, in 16 bits."""
    import torch

    with torch.no_grad():
        return torch.cat([_log_probabilities(model, [prompt]).half().cpu() for prompt in prompts])


def _log_probabilities(model: Any, prompts: "Sequence[torch.Tensor]") -> "torch.Tensor":
    """After the last token of each prompt; shorter ones are padded on the right, which a causal model doesn't see."""
    import torch

    padded = torch.nn.utils.rnn.pad_sequence(list(prompts), batch_first=True).to(model.device)
    hidden = model.get_decoder()(input_ids=padded).last_hidden_state  # [canaries, tokens, hidden_size]
    last = torch.tensor([len(prompt) - 1 for prompt in prompts], device=hidden.device)
    logits = model.get_output_embeddings()(hidden[torch.arange(len(last)), last])
    return logits.float().log_softmax(dim=-1)
