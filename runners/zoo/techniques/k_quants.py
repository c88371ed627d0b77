"""GGUF's k-quants, Q4_K and Q5_K, written back in the source's dtype so that any engine serves the result.

The layout is `block_q4_K` of llama.cpp (ggml-common.h): a row falls into super-blocks of 256 weights, each of 8 blocks
of 32. A block has a scale and a minimum of 6 bits each; two 16-bit floats a super-block scale those. A weight is
d * scale * q - d_min * minimum with q of 4 or 5 bits.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probes.errors import KinprintError
from runners.zoo.derive import rewrite

if TYPE_CHECKING:
    import torch

SUPER_BLOCK, BLOCK = 256, 32
_BLOCKS = SUPER_BLOCK // BLOCK
_TOP = 63  # of the 6 bits of a scale or minimum
_TRIES = 9
_ROWS = 4096  # at a time: the fits take several times the memory of what they fit


def round_as_k_quants(source: Path, out: Path, bits: int = 4, *, embeddings: bool = True) -> Path:
    """Round every matrix as Q4_K (`bits=4`) or Q5_K would.

    Where a row is no multiple of 256, its last super-block is shorter (llama.cpp takes another format for such rows).
    Raises KinprintError for other bits or rows that are no multiple of 32.
    """
    if bits not in (4, 5):
        raise KinprintError(f"there is no k-quant of this layout with {bits} bits; choose 4 or 5")

    def change(name: str, tensor: "torch.Tensor") -> "torch.Tensor":
        import torch

        if tensor.shape[1] % BLOCK:
            raise KinprintError(f"rows of {name} have {tensor.shape[1]} weights, no multiple of {BLOCK}")
        rounded = []
        for rows in tensor.split(_ROWS):
            padded = torch.nn.functional.pad(rows.float(), (0, -tensor.shape[1] % SUPER_BLOCK))
            rounded.append(k_quantized(padded, bits).weights().reshape(padded.shape)[:, : tensor.shape[1]])
        return torch.cat(rounded)

    settings = {"technique": "k_quantization", "bits": bits, "embeddings": embeddings}
    return rewrite(source, out, change, settings, embeddings=embeddings)


@dataclass(frozen=True)
class KQuantized:
    """Super-blocks as stored: `d`, `d_min` [n] of 16 bits; `scales`, `minima` [n, 8] of 6 bits; `q` [n, 8, 32]."""

    d: "torch.Tensor"
    d_min: "torch.Tensor"
    scales: "torch.Tensor"
    minima: "torch.Tensor"
    q: "torch.Tensor"

    def weights(self) -> "torch.Tensor":
        """What the numbers stand for [n, 8, 32], in float32."""
        scale = (self.d.float()[:, None] * self.scales)[:, :, None]
        return scale * self.q - (self.d_min.float()[:, None] * self.minima)[:, :, None]


def k_quantized(weights: "torch.Tensor", bits: int) -> KQuantized:
    """Quantize weights (any shape, a multiple of 256 in all), super-block by super-block."""
    import torch

    blocks = weights.float().reshape(-1, _BLOCKS, BLOCK)  # [n, 8, 32]
    top = 2**bits - 1
    scale, minimum = _fitted(blocks, top)
    d = (scale.amax(dim=1) / _TOP).to(torch.float16)
    d_min = (minimum.amax(dim=1) / _TOP).to(torch.float16)
    scales, minima = _six_bits(scale, d), _six_bits(minimum, d_min)
    step = (d.float()[:, None] * scales)[:, :, None]
    shifted = blocks + (d_min.float()[:, None] * minima)[:, :, None]
    q = torch.where(step > 0, shifted / step.clamp_min(torch.finfo(torch.float32).tiny), 0).round().clamp(0, top)
    return KQuantized(d, d_min, scales, minima, q)


def _six_bits(values: "torch.Tensor", unit: "torch.Tensor") -> "torch.Tensor":
    import torch

    units = unit.float()[:, None]
    return torch.where(units > 0, values / units.clamp_min(torch.finfo(torch.float32).tiny), 0).round().clamp(0, _TOP)


def _fitted(blocks: "torch.Tensor", top: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Scale and minimum (at least 0) of each block [n, 8], the best of some tries (after llama.cpp's make_qkx2_quants).

    Each try rounds with a slightly other scale, and fits scale and minimum to what came out by least squares.
    """
    import torch

    low = blocks.amin(dim=2).clamp_max(0)
    width = (blocks.amax(dim=2) - low).clamp_min(torch.finfo(torch.float32).tiny)
    best_scale, best_minimum = width / top, -low
    best_error = torch.full_like(low, torch.inf)
    for number in range(_TRIES):
        inverse = (top + 0.2 * number - 0.8) / width
        q = ((blocks - low[:, :, None]) * inverse[:, :, None]).round().clamp(0, top)
        mean_q, mean_x = q.mean(dim=2), blocks.mean(dim=2)
        spread = (q - mean_q[:, :, None]).square().sum(dim=2).clamp_min(1e-12)
        scale = ((q - mean_q[:, :, None]) * (blocks - mean_x[:, :, None])).sum(dim=2) / spread
        minimum = scale * mean_q - mean_x
        through_zero = (q * blocks).sum(dim=2) / q.square().sum(dim=2).clamp_min(1e-12)
        scale, minimum = torch.where(minimum < 0, through_zero, scale), minimum.clamp_min(0)
        error = (scale[:, :, None] * q - minimum[:, :, None] - blocks).square().sum(dim=2)
        better = (error < best_error) & (scale > 0)
        best_error = torch.where(better, error, best_error)
        best_scale, best_minimum = torch.where(better, scale, best_scale), torch.where(better, minimum, best_minimum)
    return best_scale, best_minimum
