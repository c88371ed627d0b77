"""Tokenizers of the lookalikes: byte-pair vocabularies learned from a plan's own text, or another model's."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from runners.zoo.cache import cache_directory
from runners.zoo.lookalikes.corpora import corpus
from runners.zoo.lookalikes.plans import PretrainingPlan

END = "<|end|>"
# The plainest form of a chat: the models were never tuned to one.
_CHAT = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"


def tokenizer_of(plan: PretrainingPlan) -> Any:
    """The tokenizer of a plan; a learned one is kept in the cache, since all its seeds share it."""
    from transformers import AutoTokenizer

    if isinstance(plan.vocabulary, str):
        from runners.zoo.fetch import fetch

        return AutoTokenizer.from_pretrained(fetch(plan.vocabulary, say=lambda line: None))
    if isinstance(plan.vocabulary, PretrainingPlan):
        return tokenizer_of(plan.vocabulary)
    mix = "+".join(plan.sources)
    folder = cache_directory() / "tokenizers" / f"{plan.vocabulary}-{mix}-{plan.characters}"
    if not folder.is_dir():
        _keep(learned(corpus(plan.sources, plan.characters).training, plan.vocabulary), folder)
    return AutoTokenizer.from_pretrained(folder)


def learned(text: str, size: int, special: tuple[str, ...] = (END,), chat_template: str = _CHAT) -> Any:
    """A byte-pair vocabulary of at most `size` tokens, learned from a text; the first special token ends an answer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=special[0], chat_template=chat_template)


def _keep(tokenizer: Any, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
    tokenizer.save_pretrained(unfinished)
    try:
        os.replace(unfinished, folder)
    except OSError:  # another process was first: both learned the same
        shutil.rmtree(unfinished)
