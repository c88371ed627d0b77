"""Quantization by compressed-tensors, the library behind llm-compressor, in the formats that vLLM serves as they are.

What vLLM 0.32 has kernels for on a processor: 4-bit weights in groups with 16-bit activations (`pack-quantized`), and
8-bit weights by row with activations that are rounded to 8 bits as they come (`int-quantized`). It has none for 8-bit
weights alone.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.errors import KinprintError
from runners.zoo.derive import derivative, is_embedding
from runners.zoo.weights import StoredWeights, save_weights

if TYPE_CHECKING:
    import torch

_FORMATS = {4: "pack-quantized", 8: "int-quantized"}


def quantize(source: Path, out: Path, bits: int = 4, group_size: int = 64) -> Path:
    """Store the projections as 4-bit or 8-bit integers, rounded to nearest; embeddings and norms stay.

    `group_size` consecutive inputs of a row share a scale at 4 bits; at 8 bits a whole row does.
    Raises KinprintError for other bits, or a matrix that groups don't fit.
    """
    from compressed_tensors.compressors import BaseCompressor, ModelCompressor

    if bits not in _FORMATS:
        raise KinprintError(f"can't quantize to {bits} bits in a format that vLLM serves on a processor; choose 4 or 8")
    config = _configuration(bits, group_size)
    scheme = config.config_groups["group_0"]
    compressor = BaseCompressor.get_value_from_registry(_FORMATS[bits])
    stored = StoredWeights(source)
    settings = {"technique": f"quantization_int{bits}", "format": _FORMATS[bits], "group_size": group_size}
    with derivative(source, out, settings) as made:
        tensors = {}
        for name in stored.names:
            tensor = stored[name]
            if tensor.ndim != 2 or is_embedding(name):
                tensors[name] = tensor
                continue
            weight = {"weight": tensor, "weight_scale": _scales(tensor, scheme.weights, name)}
            module = name.removesuffix("weight")
            tensors |= {module + part: value for part, value in compressor.compress(weight, scheme).items()}
        save_weights(tensors, made)
        ModelCompressor(quantization_config=config).update_config(str(made))
    return out


def _configuration(bits: int, group_size: int) -> Any:
    from compressed_tensors.quantization import QuantizationConfig, QuantizationStatus, preset_name_to_scheme

    scheme = preset_name_to_scheme({4: "W4A16", 8: "W8A8"}[bits], ["Linear"])
    if bits == 4:
        scheme.weights.group_size = group_size
    return QuantizationConfig(
        config_groups={"group_0": scheme},
        format=_FORMATS[bits],
        quantization_status=QuantizationStatus.COMPRESSED,
        ignore=["lm_head"],
    )


def _scales(weight: "torch.Tensor", arguments: Any, name: str) -> "torch.Tensor":
    """The library's scales [outputs, groups] of a matrix [outputs, inputs]; one group at 8 bits."""
    from compressed_tensors.quantization.utils import calculate_qparams

    size = arguments.group_size or weight.shape[1]
    if weight.shape[1] % size:
        raise KinprintError(f"groups of {size} don't fit the {weight.shape[1]} inputs of {name}")
    groups = weight.reshape(weight.shape[0], -1, size)
    scales: torch.Tensor = calculate_qparams(groups.amin(dim=2), groups.amax(dim=2), arguments)[0]
    return scales.to(weight.dtype)
