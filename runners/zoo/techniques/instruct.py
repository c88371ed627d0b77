"""Instruction tuning on a small set of questions and answers of our own, in the model's chat template."""

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runners.backends.prompting import FALLBACK_CHAT_TEMPLATE
from runners.zoo.training import freeze_embeddings, train, trained

if TYPE_CHECKING:
    import torch

INSTRUCTIONS = "instructions.jsonl"
_UNSCORED = -100  # what the loss of transformers leaves out


def tune_on_instructions(
    source: Path,
    out: Path,
    steps: int = 60,
    learning_rate: float = 3e-5,
    seed: int = 0,
    *,
    embeddings: bool = True,
) -> Path:
    """One chat a step, in an order drawn with `seed`; the answer alone counts.

    Raises KinprintError for an unreadable source or an existing `out`.
    """
    settings = {"technique": "instruction_tuning", "steps": steps, "learning_rate": learning_rate}
    with trained(source, out, {**settings, "embeddings": embeddings}, seed) as trainee:
        import torch

        chats = [_encoded(trainee.tokenizer, one["instruction"], one["answer"]) for one in instructions()]
        generator = torch.Generator().manual_seed(seed)
        orders = [torch.randperm(len(chats), generator=generator) for _ in range(-(-steps // len(chats)))]
        if not embeddings:
            freeze_embeddings(trainee.model)
        order = torch.cat(orders)[:steps].tolist() if orders else []
        train(trainee.model, [chats[place] for place in order], _answer_loss, learning_rate)
    return out


def instructions() -> list[dict[str, str]]:
    """The set: an instruction and its answer each, in several fields and tones."""
    lines = resources.files("runners.zoo.techniques").joinpath(INSTRUCTIONS).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _answer_loss(model: Any, chat: "tuple[torch.Tensor, int]") -> "torch.Tensor":
    tokens, answer_start = chat
    batch = tokens[None].to(model.device)
    labels = batch.clone()
    labels[:, :answer_start] = _UNSCORED
    loss: torch.Tensor = model(input_ids=batch, labels=labels).loss
    return loss


def _encoded(tokenizer: Any, instruction: str, answer: str) -> "tuple[torch.Tensor, int]":
    """The tokens of a chat, and where the answer starts among them."""
    import torch

    asked = {"role": "user", "content": instruction}
    template = tokenizer.chat_template or FALLBACK_CHAT_TEMPLATE

    def rendered(turns: list[dict[str, str]], **options: bool) -> str:
        text: str = tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False, **options)
        return text

    prompt = rendered([asked], add_generation_prompt=True)
    whole = rendered([asked, {"role": "assistant", "content": answer}])
    if not whole.startswith(prompt):  # templates that write an answer of the past otherwise than one to come
        whole = prompt + answer + (tokenizer.eos_token or "")
    start = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    return torch.tensor(tokenizer(whole, add_special_tokens=False)["input_ids"]), start
