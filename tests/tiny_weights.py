"""Tiny random models as files: written with numpy alone, changed in ways that weights are changed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Tensors = dict[str, npt.NDArray[np.float32]]
HIDDEN, HEADS, KEYS, DIMENSIONS, INNER, TOKENS = 32, 4, 2, 8, 48, 400
_LAYER = "model.layers.{}."


def random_model(seed: int, layers: int = 4, hidden: int = HIDDEN) -> Tensors:
    """Llama's layout. Standard deviations run over the layers in the same way, whatever the seed."""
    random = np.random.default_rng(seed)
    found: Tensors = {"model.embed_tokens.weight": _normal(random, 1.0, TOKENS, hidden)}
    shapes = {
        "self_attn.q_proj": (HEADS * DIMENSIONS, hidden),
        "self_attn.k_proj": (KEYS * DIMENSIONS, hidden),
        "self_attn.v_proj": (KEYS * DIMENSIONS, hidden),
        "self_attn.o_proj": (hidden, HEADS * DIMENSIONS),
        "mlp.gate_proj": (INNER, hidden),
        "mlp.up_proj": (INNER, hidden),
        "mlp.down_proj": (hidden, INNER),
    }
    for layer in range(layers):
        prefix = _LAYER.format(layer)
        for name, shape in shapes.items():
            found[f"{prefix}{name}.weight"] = _normal(random, 0.1 + 0.05 * (layer + len(name) % 3), *shape)
        found[f"{prefix}input_layernorm.weight"] = _normal(random, 0.2, hidden) + 1
        found[f"{prefix}post_attention_layernorm.weight"] = _normal(random, 0.2, hidden) + 1
    found["model.norm.weight"] = np.ones(hidden, dtype=np.float32)
    return found


def save_model(folder: Path, tensors: Tensors, **changes: Any) -> Path:
    """A model folder: weights, configuration, and a tokenizer whose tokens are words."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(one) for name, one in tensors.items()}, folder / "model.safetensors")
    config = {"model_type": "llama", "num_attention_heads": HEADS, "num_key_value_heads": KEYS, **changes}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    write_tokenizer(folder, {f"word{number}": number for number in range(TOKENS)})
    return folder


def write_tokenizer(folder: Path, vocabulary: dict[str, int]) -> None:
    """A `tokenizer.json` of byte-level BPE, as far as it is read."""
    file = {"model": {"type": "BPE", "vocab": vocabulary}, "decoder": {"type": "ByteLevel"}, "added_tokens": []}
    (folder / "tokenizer.json").write_text(json.dumps(file), "utf-8")


def noisy(tensors: Tensors, share: float, seed: int = 1) -> Tensors:
    """Noise on every matrix, of a share of its own spread."""
    random = np.random.default_rng(seed)
    return {
        name: one + _normal(random, share * float(one.std()), *one.shape) if one.ndim == 2 else one
        for name, one in tensors.items()
    }


def turned(tensors: Tensors, rotation: npt.NDArray[np.float32]) -> Tensors:
    """The same model with its hidden space turned by an orthogonal matrix [hidden, hidden], gains folded in first."""
    found = dict(tensors)
    for name, one in tensors.items():
        prefix = name.rpartition("self_attn")[0] or name.rpartition("mlp")[0]
        if name.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight")):
            found[name] = (one * tensors[f"{prefix}input_layernorm.weight"]) @ rotation.T
        elif name.endswith(("gate_proj.weight", "up_proj.weight")):
            found[name] = (one * tensors[f"{prefix}post_attention_layernorm.weight"]) @ rotation.T
        elif name.endswith(("o_proj.weight", "down_proj.weight")):
            found[name] = rotation @ one
        elif name.endswith("embed_tokens.weight"):
            found[name] = one @ rotation.T
        elif "layernorm" in name:
            found[name] = np.ones_like(one)
    return found


def orthogonal(seed: int, size: int = HIDDEN) -> npt.NDArray[np.float32]:
    """A random rotation."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0].astype(np.float32)


def _normal(random: np.random.Generator, spread: float, *shape: int) -> npt.NDArray[np.float32]:
    return (spread * random.standard_normal(shape)).astype(np.float32)
