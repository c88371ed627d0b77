"""Dense to mixture of experts: every expert begins as a copy of the dense model's MLP.

Komatsuzaki et al. 2023, Sparse upcycling. Llama becomes Mixtral. Qwen2 becomes Qwen2-MoE, whose shared expert is one
more copy that carries half of the output. With `expert_noise=0` the model computes what the dense one did.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.errors import KinprintError
from runners.zoo.derive import change_config, derivative, noisy
from runners.zoo.weights import StoredWeights, save_weights

if TYPE_CHECKING:
    import torch

_MLP = re.compile(r"^(model\.layers\.\d+\.)mlp\.(gate|up|down)_proj\.weight$")
_MIXTRAL = {"gate": "w1", "up": "w3", "down": "w2"}
_ROUTER_STD = 0.02


def upcycle(
    source: Path, out: Path, experts: int = 4, top_k: int = 2, expert_noise: float = 0.0, seed: int = 0
) -> Path:
    """Write the mixture: `top_k` of `experts` are asked for each token, by a router that is random at first.

    `expert_noise` (relative to each matrix's standard deviation) lets the experts drift apart.
    Raises KinprintError for an architecture other than Llama and Qwen2, and for counts that make no sense.
    """
    if not 0 < top_k <= experts:
        raise KinprintError(f"a mixture can't ask {top_k} of {experts} experts")
    config = json.loads((source / "config.json").read_text("utf-8"))
    changes = _config(config, experts, top_k)
    settings = {"technique": "moe_upcycling", "experts": experts, "top_k": top_k, "expert_noise": expert_noise}
    stored = StoredWeights(source)
    with derivative(source, out, {**settings, "seed": seed}) as made:
        tensors = {}
        for name in stored.names:
            if match := _MLP.match(name):
                copies = _copies(match[1], match[2], stored[name], config, experts)
                tensors |= {copy: _drifted(tensor, copy, expert_noise, seed) for copy, tensor in copies}
                if match[2] == "gate":
                    tensors |= _routers(match[1], stored[name], config, experts, seed)
            else:
                tensors[name] = stored[name]
        save_weights(tensors, made)
        change_config(made, changes)
    return out


def _config(config: dict[str, Any], experts: int, top_k: int) -> dict[str, Any]:
    if config["model_type"] == "llama" and not config.get("mlp_bias") and not config.get("attention_bias"):
        counts = {"num_local_experts": experts, "num_experts_per_tok": top_k, "sliding_window": None}
        return {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", **counts}
    if config["model_type"] == "qwen2":
        return {
            "architectures": ["Qwen2MoeForCausalLM"],
            "model_type": "qwen2_moe",
            "num_experts": experts,
            "num_experts_per_tok": top_k,
            "moe_intermediate_size": config["intermediate_size"],
            "shared_expert_intermediate_size": config["intermediate_size"],
            "decoder_sparse_step": 1,
            "mlp_only_layers": [],
            "norm_topk_prob": True,
        }
    raise KinprintError(f"there is no mixture to upcycle a {config['model_type']} model to; Llama and Qwen2 have one")


def _copies(
    layer: str, kind: str, tensor: "torch.Tensor", config: dict[str, Any], experts: int
) -> "Iterator[tuple[str, torch.Tensor]]":
    for expert in range(experts):
        if config["model_type"] == "llama":
            yield f"{layer}block_sparse_moe.experts.{expert}.{_MIXTRAL[kind]}.weight", tensor.clone()
        else:  # the shared expert gives the other half
            half = tensor / 2 if kind == "down" else tensor.clone()
            yield f"{layer}mlp.experts.{expert}.{kind}_proj.weight", half
    if config["model_type"] == "qwen2":
        yield f"{layer}mlp.shared_expert.{kind}_proj.weight", tensor


def _routers(
    layer: str, gate: "torch.Tensor", config: dict[str, Any], experts: int, seed: int
) -> "dict[str, torch.Tensor]":
    import torch

    generator = torch.Generator().manual_seed(int(hashlib.sha256(f"{seed}:{layer}".encode()).hexdigest()[:12], 16))
    router = (torch.randn(experts, gate.shape[1], generator=generator) * _ROUTER_STD).to(gate.dtype)
    if config["model_type"] == "llama":
        return {f"{layer}block_sparse_moe.gate.weight": router}
    # A gate of zeros: half of the shared expert's output, whatever the token.
    return {
        f"{layer}mlp.gate.weight": router,
        f"{layer}mlp.shared_expert_gate.weight": gate.new_zeros(1, gate.shape[1]),
    }


def _drifted(tensor: "torch.Tensor", name: str, expert_noise: float, seed: int) -> "torch.Tensor":
    return noisy(tensor, name, expert_noise, seed).to(tensor.dtype) if expert_noise else tensor
