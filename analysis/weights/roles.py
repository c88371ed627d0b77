"""Which tensor plays which role: the names that architectures give to the same matrices, and how fused ones are split.

Known are the layouts of Llama, Mistral, Qwen 2 and 3, Gemma, Phi, Mixtral, Qwen2-MoE and GPT-NeoX as transformers
writes them, and those of GGUF. Whatever has another name is listed as not compared; nothing is guessed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from analysis.weights.architecture import Architecture

Shape = tuple[int, ...]
Cut = Literal["whole", "rows", "neox", "expert", "rope"]
ATTENTION = ("q", "k", "v", "o")
MLP = ("gate", "up", "down")


@dataclass(frozen=True)
class Key:
    """A role within a model. `layer` is None for what stands outside of the layers, `expert` where there is none."""

    role: str
    layer: int | None = None
    expert: int | None = None


@dataclass(frozen=True)
class Part:
    """Where a matrix [outputs, inputs] (or vector) is: in which tensor, and how it is cut out of that.

    `rows`: rows from `start` to `stop`. `neox`: of every head's `of` equal parts the one at `start`. `expert`: the
    slice `start`. `rope`: whole, with the rows of `of` heads in the order that llama.cpp gives them.
    """

    tensor: str
    shape: Shape
    cut: Cut = "whole"
    start: int = 0
    stop: int = 0
    of: int = 1


_PREFIX = r"(?:model\.language_model\.|language_model\.model\.|language_model\.|model\.)?"
_LAYER = _PREFIX + r"layers\.(?P<layer>\d{1,5})\."
_NEOX = r"gpt_neox\.layers\.(?P<layer>\d{1,5})\."
_EXPERT = r"experts\.(?P<expert>\d{1,5})\."
_ATTENTION_NAMES = {"q_proj": "q", "k_proj": "k", "v_proj": "v", "o_proj": "o", "dense": "o"}
_MLP_NAMES = {"gate_proj": "gate", "up_proj": "up", "down_proj": "down", "fc1": "up", "fc2": "down"}
_MIXTRAL_NAMES = {"w1": "gate", "w3": "up", "w2": "down"}
_GGUF_NAMES = {
    "attn_q": "q",
    "attn_k": "k",
    "attn_v": "v",
    "attn_output": "o",
    "attn_qkv": "qkv",
    "attn_norm": "attention_norm",
    "ffn_gate": "gate",
    "ffn_up": "up",
    "ffn_down": "down",
    "ffn_gate_exps": "gate_experts",
    "ffn_up_exps": "up_experts",
    "ffn_down_exps": "down_experts",
}
_KIND = r"\.(?P<kind>weight|bias)"


def _either(names: Mapping[str, str]) -> str:
    return f"(?P<name>{'|'.join(names)})"


_RULES: tuple[tuple[re.Pattern[str], Mapping[str, str]], ...] = tuple(
    (re.compile(pattern), names)
    for pattern, names in (
        (_LAYER + r"self_attn\." + _either(_ATTENTION_NAMES) + _KIND, _ATTENTION_NAMES),
        (_LAYER + r"self_attn\.(?P<name>qkv_proj)" + _KIND, {"qkv_proj": "qkv"}),
        (_LAYER + r"mlp\." + _either(_MLP_NAMES) + _KIND, _MLP_NAMES),
        (_LAYER + r"mlp\.(?P<name>gate_up_proj)" + _KIND, {"gate_up_proj": "gate_up"}),
        (_LAYER + r"(?P<name>input_layernorm)" + _KIND, {"input_layernorm": "attention_norm"}),
        (_LAYER + r"mlp\." + _EXPERT + _either(_MLP_NAMES) + _KIND, _MLP_NAMES),
        (
            _LAYER + r"block_sparse_moe\." + _EXPERT + _either(_MIXTRAL_NAMES) + _KIND,
            _MIXTRAL_NAMES,
        ),
        (_PREFIX + r"(?P<name>embed_tokens)" + _KIND, {"embed_tokens": "embedding"}),
        (r"(?:language_model\.)?(?P<name>lm_head|embed_out)" + _KIND, {"lm_head": "head", "embed_out": "head"}),
        (
            _NEOX + r"attention\.(?P<name>query_key_value|dense)" + _KIND,
            {"query_key_value": "neox", "dense": "o"},
        ),
        (
            _NEOX + r"mlp\.(?P<name>dense_h_to_4h|dense_4h_to_h)" + _KIND,
            {"dense_h_to_4h": "up", "dense_4h_to_h": "down"},
        ),
        (
            _NEOX + r"(?P<name>input_layernorm)" + _KIND,
            {"input_layernorm": "attention_norm"},
        ),
        (r"gpt_neox\.(?P<name>embed_in)" + _KIND, {"embed_in": "embedding"}),
        (r"blk\.(?P<layer>\d{1,5})\." + _either(_GGUF_NAMES) + _KIND, _GGUF_NAMES),
        (r"(?P<name>token_embd|output)" + _KIND, {"token_embd": "embedding", "output": "head"}),
    )
)


def find_parts(shapes: Mapping[str, Shape], architecture: Architecture) -> tuple[dict[Key, Part], list[str]]:
    """Where every known role is, and the names of the tensors that are not compared, sorted."""
    found: dict[Key, Part] = {}
    unknown = []
    for name, shape in shapes.items():
        match = next((match for pattern, _ in _RULES if (match := pattern.fullmatch(name))), None)
        parts = dict(_parts(match, shape, architecture)) if match is not None and 0 not in shape else {}
        if not parts or parts.keys() & found.keys():
            unknown.append(name)
        else:
            found |= parts
    return found, sorted(unknown)


def _parts(match: re.Match[str], shape: Shape, architecture: Architecture) -> Iterator[tuple[Key, Part]]:
    names = next(names for pattern, names in _RULES if pattern is match.re)
    groups = match.groupdict()
    role, bias = names[groups["name"]], groups["kind"] == "bias"
    layer = int(groups["layer"]) if groups.get("layer") is not None else None
    expert = int(groups["expert"]) if groups.get("expert") is not None else None
    ending = "_bias" if bias else ""
    name = match.string
    if role.endswith("_experts"):
        if len(shape) == 3 and not bias:
            single = role.removesuffix("_experts")
            for number in range(shape[0]):
                yield Key(single, layer, number), Part(name, shape[1:], "expert", number)
        return
    if len(shape) != (1 if bias or role == "attention_norm" else 2):
        return
    if role == "attention_norm" and bias:
        return
    for single, part in _cut(role, name, shape, architecture):
        yield Key(single + ending, layer, expert), part


def _cut(role: str, name: str, shape: Shape, architecture: Architecture) -> Iterator[tuple[str, Part]]:
    """The single roles in a tensor whose rows may be several; none where the numbers of rows do not fit."""
    rows, rest, heads = shape[0], shape[1:], architecture.heads
    if role == "gate_up" and rows % 2 == 0:
        yield "gate", Part(name, (rows // 2, *rest), "rows", 0, rows // 2)
        yield "up", Part(name, (rows // 2, *rest), "rows", rows // 2, rows)
    elif role == "qkv" and heads is not None and rows % (heads.queries + 2 * heads.keys) == 0:
        size = rows // (heads.queries + 2 * heads.keys)
        ends = [0, heads.queries * size, (heads.queries + heads.keys) * size, rows]
        for place, single in enumerate("qkv"):
            start, stop = ends[place], ends[place + 1]
            yield single, Part(name, (stop - start, *rest), "rows", start, stop)
    elif role == "neox" and heads is not None and rows % (3 * heads.queries) == 0:
        for place, single in enumerate("qkv"):
            yield single, Part(name, (rows // 3, *rest), "neox", place, of=heads.queries)
    elif role in ("q", "k") and architecture.rope_interleaved and heads is not None:
        of = heads.queries if role == "q" else heads.keys
        if rows % (2 * of) == 0:
            yield role, Part(name, shape, "rope", of=of)
    elif role not in ("gate_up", "qkv", "neox"):
        yield role, Part(name, shape)
