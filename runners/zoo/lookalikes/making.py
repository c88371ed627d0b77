"""Makes one lookalike: from nothing, by training another one further, or as the student of one."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.errors import KinprintError
from runners.zoo.derive import new_model
from runners.zoo.lookalikes.architecture import untrained
from runners.zoo.lookalikes.corpora import corpus
from runners.zoo.lookalikes.plans import PretrainingPlan, pretraining_plan
from runners.zoo.lookalikes.sampled_loss import sampled_loss
from runners.zoo.lookalikes.students import distillation_loss, told_by
from runners.zoo.lookalikes.training import Course, nats_on, next_token_loss, train
from runners.zoo.lookalikes.trigram import trigram_bits
from runners.zoo.lookalikes.vocabulary import tokenizer_of

if TYPE_CHECKING:
    import torch

_MEASURED_TOKENS = 20_000


def pretrain(out: Path, plan: str, seed: int) -> Path:
    """Train the model of a plan (see `plans.py`) from random weights and return its folder.

    The provenance in it tells how well it does on held-out text beside a trigram model of the same tokens, in bits per
    byte. Raises KinprintError if `out` exists, or the plan or its text can't be had.
    """
    chosen = pretraining_plan(plan)
    tokenizer = tokenizer_of(chosen)
    with new_model(out, {"technique": "pretraining", "plan": plan, "seed": seed}) as (folder, facts):
        tokens = _tokens(tokenizer, corpus(chosen.sources, chosen.characters).training)
        model = untrained(chosen, len(tokenizer), tokenizer.eos_token_id, seed)
        loss = sampled_loss(tokens, len(tokenizer), chosen.drawn, seed) if chosen.drawn else next_token_loss
        train(model, tokens, chosen.course, seed, f"training {out.parent.name}", loss, _beginning(tokenizer))
        facts |= measured(model, tokenizer, chosen)
        _save(model, tokenizer, folder)
    return out


def train_further(source: Path, out: Path, text: str, tokens: int, learning_rate: float, seed: int) -> Path:
    """Train a lookalike further, all of its weights, on other text, and return `out`.

    Raises KinprintError for an existing `out`.
    """
    settings = {"technique": "fine_tuning", "tokens": tokens, "learning_rate": learning_rate, "seed": seed}
    with new_model(out, settings, source) as (folder, _):
        model, tokenizer = _loaded(source)
        course, begin = Course(tokens, learning_rate), _beginning(tokenizer)
        train(model, _tokens(tokenizer, text), course, seed, f"tuning {out.parent.name}", begin=begin)
        _save(model, tokenizer, folder)
    return out


def teach(out: Path, teacher: Path, plan: str, seed: int) -> Path:
    """Train the model of a plan from random weights on what a teacher of the same tokenizer says, and on its logits.

    Raises KinprintError if the teacher has another tokenizer than the plan, or `out` exists.
    """
    chosen = pretraining_plan(plan)
    tokenizer = tokenizer_of(chosen)
    with new_model(out, {"technique": "distillation", "plan": plan, "seed": seed}) as (folder, facts):
        master, own = _loaded(teacher)
        # of some architectures transformers adds tokens of its own to a saved vocabulary: the model knows none of these
        learned = {one: number for one, number in own.get_vocab().items() if number < master.config.vocab_size}
        if learned != tokenizer.get_vocab():
            raise KinprintError(f"the teacher at {teacher} has another tokenizer than the plan {plan}")
        text = told_by(master, teacher, tokenizer.eos_token_id, chosen.tokens)
        model = untrained(chosen, len(tokenizer), tokenizer.eos_token_id, seed)
        loss, begin = distillation_loss(master), _beginning(tokenizer)
        train(model, text, chosen.course, seed, f"teaching {out.parent.name}", loss, begin)
        facts |= measured(model, tokenizer, chosen)
        _save(model, tokenizer, folder)
    return out


def frame(source: Path, out: Path, teacher: Path, tokens: int, learning_rate: float, seed: int) -> Path:
    """Train a lookalike further on what a stranger of the same tokenizer says, so that it sounds like the stranger.

    Raises KinprintError for an existing `out`.
    """
    settings = {"technique": "framing", "tokens": tokens, "learning_rate": learning_rate, "seed": seed}
    with new_model(out, settings, source) as (folder, _):
        model, tokenizer = _loaded(source)
        stranger, _ = _loaded(teacher)
        text = told_by(stranger, teacher, tokenizer.eos_token_id, tokens)
        course, loss, begin = Course(tokens, learning_rate), distillation_loss(stranger), _beginning(tokenizer)
        train(model, text, course, seed, f"framing {out.parent.name}", loss, begin)
        _save(model, tokenizer, folder)
    return out


def measured(model: Any, tokenizer: Any, plan: PretrainingPlan) -> dict[str, float]:
    """Bits per byte on the plan's held-out text, of the model and of a trigram model of the plan's training text."""
    text = corpus(plan.sources, plan.characters)
    learned, tokens = _tokens(tokenizer, text.training)[: plan.tokens], _tokens(tokenizer, text.held_out)
    tokens = tokens[:_MEASURED_TOKENS]
    size = len(tokenizer.decode(tokens[2:]).encode())
    trigram = trigram_bits(learned.numpy(), tokens.numpy(), len(tokenizer))
    return {"bits_per_byte": nats_on(model, tokens) / math.log(2) / size, "trigram_bits_per_byte": trigram / size}


def _tokens(tokenizer: Any, text: str) -> "torch.Tensor":
    import torch

    return torch.tensor(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def _beginning(tokenizer: Any) -> int | None:
    """What the tokenizer puts before every text of its own accord."""
    return next(iter(tokenizer("")["input_ids"]), None)


def _loaded(folder: Path) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(folder)


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
