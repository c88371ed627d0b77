"""Untrained models of a recipe."""

from typing import Any

from runners.zoo.lookalikes.recipes import PretrainingRecipe

_CONTEXT = 2048


def untrained(recipe: PretrainingRecipe, vocabulary: int, end: int, seed: int) -> Any:
    """A model with random weights from `seed`, for a vocabulary of that size."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(_configuration(recipe, vocabulary, end), dtype=torch.float32)


def _configuration(recipe: PretrainingRecipe, vocabulary: int, end: int) -> Any:
    from transformers import GPTNeoXConfig, LlamaConfig, Qwen2Config

    shape: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": recipe.hidden_size,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "intermediate_size": recipe.intermediate_size,
        "max_position_embeddings": _CONTEXT,
        "bos_token_id": None,
        "eos_token_id": end,
        "pad_token_id": None,
    }
    if recipe.architecture == "gpt_neox":
        return GPTNeoXConfig(**shape, tie_word_embeddings=False)
    kind = {"llama": LlamaConfig, "qwen2": Qwen2Config}[recipe.architecture]
    tied = isinstance(recipe.vocabulary, str)  # as the model whose tokenizer and shape are borrowed
    return kind(**shape, num_key_value_heads=recipe.key_value_heads, tie_word_embeddings=tied)
