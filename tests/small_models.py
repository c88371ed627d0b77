"""Small random models in the real format, with a tokenizer learned from a few lines: every technique runs on them."""

from pathlib import Path
from typing import Any

TEXT = "\n".join(
    f"The {colour} {thing} was {done} by the {who} before anybody in the {place} could say a reasonable word."
    for colour in ("scarlet", "emerald", "ivory", "charcoal")
    for thing in ("lighthouse", "manuscript", "telescope", "orchestra")
    for done, who in (("discovered", "gardener"), ("forgotten", "apprentice"), ("repaired", "carpenter"))
    for place in ("neighbourhood", "monastery")
)
_CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]


def small_model(folder: Path, kind: str = "llama", layers: int = 4, seed: int = 0, tied: bool = True) -> Path:
    """Write a model of architecture `llama`, `qwen2` or `gemma3` with random weights in bfloat16."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = _tokenizer(folder)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(_config(kind, layers, len(tokenizer), tied), dtype=torch.float32)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.ndim == 2:  # a spread that lets every layer matter
                tensor.normal_(0, 0.5 if "embed" in name else 0.15)
            elif name.endswith("bias"):
                tensor.normal_(0, 0.1)
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


def logits_of(folder: Path, text: str = "The ivory telescope was") -> Any:
    """Logits [tokens, vocab_size] of a text, in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return model(input_ids=tokens).logits[0]


def _config(kind: str, layers: int, vocabulary: int, tied: bool) -> Any:
    from transformers import Gemma3TextConfig, LlamaConfig, Qwen2Config

    shape: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,  # of 32 dimensions, the fewest that vLLM attends with on a processor
        "num_key_value_heads": 1,
        "max_position_embeddings": 512,
        "bos_token_id": None,
        "eos_token_id": 0,
        "pad_token_id": 0,
        "tie_word_embeddings": tied,
    }
    if kind == "gemma3":
        return Gemma3TextConfig(**shape, head_dim=32, query_pre_attn_scalar=32, sliding_window=64)
    return {"llama": LlamaConfig, "qwen2": Qwen2Config}[kind](**shape)


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=SPECIAL[0])
    fast.chat_template = _CHAT
    fast.save_pretrained(folder)
    return fast
