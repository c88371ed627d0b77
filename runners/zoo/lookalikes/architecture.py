"""Untrained models of a plan."""

from typing import Any

from runners.zoo.lookalikes.plans import PretrainingPlan

_CONTEXT = 2048


def untrained(plan: PretrainingPlan, vocabulary: int, end: int, seed: int) -> Any:
    """A model with random weights from `seed`, for a vocabulary of that size."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(_configuration(plan, vocabulary, end), dtype=torch.float32)


def _configuration(plan: PretrainingPlan, vocabulary: int, end: int) -> Any:
    from transformers import GPTNeoXConfig, LlamaConfig, Qwen2Config

    shape: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": plan.hidden_size,
        "num_hidden_layers": plan.layers,
        "num_attention_heads": plan.heads,
        "intermediate_size": plan.intermediate_size,
        "max_position_embeddings": _CONTEXT,
        "bos_token_id": None,
        "eos_token_id": end,
        "pad_token_id": None,
    }
    if plan.architecture == "gpt_neox":
        return GPTNeoXConfig(**shape, tie_word_embeddings=False)
    kind = {"llama": LlamaConfig, "qwen2": Qwen2Config}[plan.architecture]
    tied = isinstance(plan.vocabulary, str)  # as the model whose tokenizer is borrowed
    return kind(**shape, num_key_value_heads=plan.key_value_heads, tie_word_embeddings=tied)
