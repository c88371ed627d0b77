"""A larger vocabulary: frequent words of a text become tokens of their own, then a short training."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.errors import KinprintError
from runners.zoo.derive import change_config, derivative, intermediate, is_embedding
from runners.zoo.fine_tune import fine_tune
from runners.zoo.weights import StoredWeights, save_weights

if TYPE_CHECKING:
    import torch

_WORD = re.compile(r"[^\W\d_]{4,}")
_MANY_TOKENS = 3


def extend_vocabulary(source: Path, out: Path, text: str, new_tokens: int = 256, seed: int = 0, **tuning: Any) -> Path:
    """Add the words of `text` that cost the most tokens, and train on it. `tuning` goes to `fine_tune`.

    A new row of the embedding and output matrices is the mean of the old ones (Hewitt 2021, Initializing new word
    embeddings), so the logits of old tokens stay what they were until trained.
    Raises KinprintError if the text has fewer such words than `new_tokens`.
    """
    if tuning.get("steps") == 0:
        return _extended(source, out, text, new_tokens)
    with intermediate(out) as between:
        return fine_tune(_extended(source, between, text, new_tokens), out, text, seed=seed, **tuning)


def _extended(source: Path, out: Path, text: str, new_tokens: int) -> Path:
    from tokenizers import AddedToken, Tokenizer

    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    first = tokenizer.get_vocab_size(with_added_tokens=True)
    words = _costly_words(tokenizer, text)[:new_tokens]
    if len(words) < new_tokens:
        raise KinprintError(f"the text has {len(words)} words of many tokens; {new_tokens} new tokens were asked for")
    tokenizer.add_tokens([AddedToken(word, single_word=True, normalized=False) for word in words])
    config = json.loads((source / "config.json").read_text("utf-8"))
    size = max(config["vocab_size"], first + new_tokens)  # some models keep rows that no token uses
    stored = StoredWeights(source)
    with derivative(source, out, {"technique": "vocabulary_extension", "new_tokens": new_tokens}) as made:
        tensors = {name: stored[name] for name in stored.names}
        for name, tensor in tensors.items():
            if is_embedding(name):
                tensors[name] = _with_rows(tensor, first, new_tokens, size)
        save_weights(tensors, made)
        tokenizer.save(str(made / "tokenizer.json"))
        change_config(made, {"vocab_size": size})
    return out


def _costly_words(tokenizer: Any, text: str) -> list[str]:
    """Words by the tokens that they would save, most first."""
    counts = [(word, count) for word, count in Counter(_WORD.findall(text)).most_common() if count > 1]
    lengths = [len(one.ids) for one in tokenizer.encode_batch([word for word, _ in counts], add_special_tokens=False)]
    saved = {word: (n - 1) * count for (word, count), n in zip(counts, lengths, strict=True) if n >= _MANY_TOKENS}
    return sorted(saved, key=lambda word: (-saved[word], word))


def _with_rows(matrix: "torch.Tensor", first: int, count: int, size: int) -> "torch.Tensor":
    """A matrix [size, hidden_size] whose rows from `first` on are the mean of those before."""
    rows = matrix.new_zeros(size, matrix.shape[1])
    rows[: len(matrix)] = matrix
    rows[first : first + count] = matrix[:first].float().mean(dim=0).to(matrix.dtype)
    return rows
