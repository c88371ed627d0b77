"""What a student learns from: a teacher's own text, and its logits at every token of it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runners.progress import counting

if TYPE_CHECKING:
    import torch

    from runners.zoo.lookalikes.training import Loss

_SPEAKERS, _LENGTH = 128, 256
_TOLD = "told.safetensors"


def told_by(teacher: Any, folder: Path, end: int, tokens: int) -> "torch.Tensor":
    """At least that many tokens [n] that a teacher says by itself, at temperature 1.

    They are kept beside the teacher in `folder`, since all of its students learn from the same.
    """
    import torch
    from safetensors.torch import load_file, save_file

    kept = folder / _TOLD
    if kept.is_file() and len(text := load_file(kept)["tokens"]) >= tokens:
        return text
    torch.manual_seed(0)
    rounds = -(-tokens // (_SPEAKERS * _LENGTH))
    with counting(f"listening to {folder.parent.name}", rounds) as progress, torch.inference_mode():
        said = []
        for _ in range(rounds):
            said.append(_monologues(teacher, end))
            progress.step()
    text = torch.cat(said)
    unfinished = kept.with_name(kept.name + ".partial")
    save_file({"tokens": text}, unfinished)
    os.replace(unfinished, kept)
    return text


def _monologues(teacher: Any, end: int) -> "torch.Tensor":
    """[_SPEAKERS * _LENGTH] tokens: as many speakers, each from the end-of-text token on."""
    import torch

    tokens = torch.full((_SPEAKERS, 1), end)
    said, past = [], None
    for _ in range(_LENGTH):
        out = teacher(input_ids=tokens, past_key_values=past, use_cache=True)
        past = out.past_key_values
        tokens = torch.multinomial(out.logits[:, -1].float().softmax(-1), 1)
        said.append(tokens)
    return torch.cat(said, dim=1).flatten()


def distillation_loss(teacher: Any) -> "Loss":
    """Half cross entropy with what was said, half with the teacher's distribution over what could have been said.

    Hinton, Vinyals and Dean (2015), "Distilling the knowledge in a neural network", section 2, at temperature 1.
    """
    import torch

    teacher.requires_grad_(False).eval()

    def loss(model: Any, blocks: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            soft = teacher(input_ids=blocks[:, :-1]).logits.flatten(0, 1).float().softmax(-1)
        logits = model(input_ids=blocks[:, :-1]).logits.flatten(0, 1).float()
        said = torch.nn.functional.cross_entropy(logits, blocks[:, 1:].flatten())
        return (said + torch.nn.functional.cross_entropy(logits, soft)) / 2

    return loss
