"""What a model's configuration says of its shape: as much as is needed to tell heads apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST = 1 << 20


@dataclass(frozen=True)
class Heads:
    """How many heads ask and how many share their keys and values; `queries` is a multiple of `keys`."""

    queries: int
    keys: int


@dataclass(frozen=True)
class Architecture:
    """The architecture's name (`unknown` where the files don't say it) and heads (None then).

    `norm_offset` is added to the stored gains of norms (Gemma stores them less 1). `rope_interleaved`: the rows of
    queries and keys stand in the order of llama.cpp, which pairs neighbours where transformers pairs halves.
    """

    name: str
    heads: Heads | None
    norm_offset: float = 0.0
    rope_interleaved: bool = False


def of_config(config: Mapping[str, Any]) -> Architecture:
    """From the `config.json` of transformers; that of the language model where it is a part."""
    text = config.get("text_config")
    inner = text if isinstance(text, dict) else config
    name = _name(inner.get("model_type", config.get("model_type")))
    heads = _heads(inner.get("num_attention_heads"), inner.get("num_key_value_heads"))
    return Architecture(name, heads, norm_offset=1.0 if name.startswith("gemma") else 0.0)


def of_gguf(facts: Mapping[str, Any]) -> Architecture:
    """From the metadata of a GGUF file. Its converter has added 1 to Gemma's gains already."""
    name = _name(facts.get("general.architecture"))
    heads = _heads(facts.get(f"{name}.attention.head_count"), facts.get(f"{name}.attention.head_count_kv"))
    return Architecture(name, heads, rope_interleaved=name == "llama")


def _name(value: Any) -> str:
    return value[:64] if isinstance(value, str) and value else "unknown"


def _heads(queries: Any, keys: Any) -> Heads | None:
    keys = queries if keys is None else keys
    if not all(isinstance(count, int) and 0 < count < _MOST for count in (queries, keys)) or queries % keys:
        return None
    return Heads(queries, keys)
