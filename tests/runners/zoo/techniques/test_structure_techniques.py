"""Techniques that rearrange or round weights: what comes out computes what it should."""

import json

import numpy as np
import pytest
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize

from probes.errors import KinprintError
from runners.zoo.anonymise import VENDOR_WORDS
from runners.zoo.techniques.compressed import quantize
from runners.zoo.techniques.k_quants import k_quantized, round_as_k_quants
from runners.zoo.techniques.layers import drop_layers, rearrange_layers, scale_up_depth
from runners.zoo.techniques.merge import add_task_vectors, merge_linear, merge_spherical
from runners.zoo.techniques.rename import noise_and_rename
from runners.zoo.techniques.upcycle import upcycle
from runners.zoo.weights import StoredWeights
from tests.small_models import TEXT, logits_of, small_model

PROJECTION = "model.layers.0.mlp.down_proj.weight"
SEEDLESS = {
    "int4": lambda source, out: quantize(source, out, 4),
    "int8": lambda source, out: quantize(source, out, 8),
    "k_quants": lambda source, out: round_as_k_quants(source, out),
    "merge": lambda source, out: merge_spherical(source, source, out),
    "upcycle": lambda source, out: upcycle(source, out, expert_noise=0.01),
    "rename": lambda source, out: noise_and_rename(source, out),
    "depth": lambda source, out: scale_up_depth(source, out, TEXT, removed=1, steps=0),
}


@pytest.mark.parametrize("technique", SEEDLESS)
def test_the_same_settings_write_the_same_bytes(parent, tmp_path, files_of, technique):
    assert files_of(SEEDLESS[technique](parent, tmp_path / "1")) == files_of(
        SEEDLESS[technique](parent, tmp_path / "2")
    )
    assert {path.name for path in tmp_path.iterdir()} == {"1", "2"}


@pytest.mark.parametrize("merge", [merge_linear, merge_spherical])
def test_a_merge_of_equal_models_is_the_model(parent, tmp_path, merge):
    made, before = StoredWeights(merge(parent, parent, tmp_path / "out", weight=0.3)), StoredWeights(parent)
    assert all(torch.equal(made[name], before[name]) for name in before.names)


def test_merges_lie_between_their_parents(parent, tuned, tmp_path):
    first, second = (StoredWeights(folder)[PROJECTION].float() for folder in tuned)
    linear = StoredWeights(merge_linear(*tuned, tmp_path / "linear"))[PROJECTION].float()
    assert torch.allclose(linear, (first + second) / 2, atol=2e-3)
    arc = StoredWeights(merge_spherical(*tuned, tmp_path / "arc"))[PROJECTION].float()
    assert arc.norm().item() == pytest.approx((first.norm() + second.norm()).item() / 2, rel=0.01)
    assert linear.norm() < arc.norm()  # the chord is shorter than the arc's radius


def test_slerp_of_orthogonal_vectors_halves_the_right_angle():
    from runners.zoo.techniques.merge import _slerp

    half = _slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 0.5)
    assert torch.allclose(half, torch.tensor([0.5, 0.5]).sqrt())


def test_task_vectors_add_what_each_fine_tune_changed(parent, tuned, tmp_path):
    base, first, second = (StoredWeights(folder)[PROJECTION].float() for folder in (parent, *tuned))
    made = StoredWeights(add_task_vectors(parent, *tuned, out=tmp_path / "out", scale=1.0))[PROJECTION].float()
    assert torch.allclose(made, first + second - base, atol=5e-3)
    one = StoredWeights(add_task_vectors(parent, tuned[0], out=tmp_path / "one", scale=1.0))[PROJECTION].float()
    assert torch.allclose(one, first, atol=5e-3)


def test_models_that_differ_are_not_merged(parent, tmp_path):
    other = small_model(tmp_path / "other", layers=2)
    with pytest.raises(KinprintError, match="tensors differ in name"):
        merge_linear(parent, other, tmp_path / "out")


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_an_upcycled_model_has_the_logits_of_its_parent(tmp_path, kind):
    dense = small_model(tmp_path / "dense", kind, tied=kind == "llama")
    mixture = upcycle(dense, tmp_path / "mixture", experts=3, top_k=2)
    config = json.loads((mixture / "config.json").read_text())
    assert config["model_type"] == {"llama": "mixtral", "qwen2": "qwen2_moe"}[kind]
    assert torch.allclose(logits_of(mixture), logits_of(dense), atol=1e-3)
    noisy = upcycle(dense, tmp_path / "noisy", experts=3, top_k=2, expert_noise=0.1)
    assert not torch.allclose(logits_of(noisy), logits_of(dense), atol=1e-2)


def test_what_has_no_mixture_is_told(tmp_path):
    dense = small_model(tmp_path / "dense", "gemma3")
    with pytest.raises(KinprintError, match="no mixture to upcycle a gemma3_text model"):
        upcycle(dense, tmp_path / "out")


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma3"])
def test_layers_are_dropped_and_repeated(tmp_path, kind):
    whole = small_model(tmp_path / "whole", kind)
    dropped = drop_layers(whole, tmp_path / "dropped", TEXT, count=2, steps=0)
    deeper = scale_up_depth(whole, tmp_path / "deeper", TEXT, removed=1, steps=0)
    assert not torch.allclose(logits_of(dropped), logits_of(whole), atol=1e-2)
    name = "model.layers.{}.self_attn.q_proj.weight"
    before, after, more = (StoredWeights(folder) for folder in (whole, dropped, deeper))
    for place, layer in enumerate((0, 3)):
        assert torch.equal(after[name.format(place)], before[name.format(layer)])
    for place, layer in enumerate((0, 1, 2, 1, 2, 3)):
        assert torch.equal(more[name.format(place)], before[name.format(layer)])
    assert logits_of(deeper).isfinite().all()


def test_layers_in_their_own_order_are_the_model(parent, tmp_path):
    same = rearrange_layers(parent, tmp_path / "out", range(4), {"technique": "none"})
    assert torch.equal(logits_of(same), logits_of(parent))
    for call in (drop_layers, scale_up_depth):
        with pytest.raises(KinprintError, match="layers"):
            call(parent, tmp_path / "no", TEXT, 4)


@pytest.mark.parametrize(("bits", "worst"), [(8, 1 / 127), (4, 1 / 7)])
def test_integers_stand_for_weights_near_the_originals(parent, tmp_path, bits, worst):
    from compressed_tensors.compressors import BaseCompressor

    from runners.zoo.techniques.compressed import _FORMATS, _configuration

    made, before = StoredWeights(quantize(parent, tmp_path / "out", bits)), StoredWeights(parent)
    scheme = _configuration(bits, 64).config_groups["group_0"]
    prefix = PROJECTION.removesuffix("weight")
    parts = {name.removeprefix(prefix): made[name] for name in made.names if name.startswith(prefix)}
    assert all(part.dtype in (torch.int8, torch.int32, torch.int64, torch.bfloat16) for part in parts.values())
    compressor = BaseCompressor.get_value_from_registry(_FORMATS[bits])
    restored = compressor.decompress(parts, scheme)["weight"].float()
    original = before[PROJECTION].float()
    assert 0 < (restored - original).abs().max() <= original.abs().max() * (worst / 2 + 1 / 128)
    assert torch.equal(made["model.embed_tokens.weight"], before["model.embed_tokens.weight"])


def test_bits_that_no_kernel_takes_are_told(parent, tmp_path):
    with pytest.raises(KinprintError, match="can't quantize to 3 bits"):
        quantize(parent, tmp_path / "out", 3)
    with pytest.raises(KinprintError, match="groups of 48 don't fit"):
        quantize(parent, tmp_path / "out", 4, group_size=48)


def test_k_quants_are_those_of_gguf():
    """Packed as `block_q4_K`, our numbers are read back by gguf as the weights that we say they stand for."""
    weights = torch.randn(6, 256, generator=torch.Generator().manual_seed(0)) + 0.3
    made = k_quantized(weights, 4)
    blocks = np.concatenate([
        made.d.numpy()[:, None].view(np.uint8),
        made.d_min.numpy()[:, None].view(np.uint8),
        packed_scales(made.scales.numpy().astype(np.uint8), made.minima.numpy().astype(np.uint8)),
        packed_nibbles(made.q.numpy().astype(np.uint8)),
    ], axis=1)  # fmt: skip
    read = dequantize(blocks, GGMLQuantizationType.Q4_K)
    assert np.allclose(read.reshape(6, 8, 32), made.weights().numpy(), atol=1e-5)


def packed_scales(scales, minima):
    """Twelve bytes for eight pairs of six bits, as get_scale_min_k4 of llama.cpp unpacks them."""
    low = scales[:, :4] | (scales[:, 4:] >> 4 << 6)
    middle = minima[:, :4] | (minima[:, 4:] >> 4 << 6)
    return np.concatenate([low, middle, (scales[:, 4:] & 15) | (minima[:, 4:] & 15) << 4], axis=1)


def packed_nibbles(q):
    """Two blocks of 32 share 32 bytes: the first in the low halves."""
    return (q[:, 0::2] | q[:, 1::2] << 4).reshape(len(q), 128)


@pytest.mark.parametrize(("bits", "relative"), [(4, 0.085), (5, 0.045)])
def test_k_quants_of_gaussian_weights_err_as_little_as_their_bits_allow(bits, relative):
    weights = torch.randn(400, 256, generator=torch.Generator().manual_seed(1))
    made = k_quantized(weights, bits)
    error = (made.weights().reshape(weights.shape) - weights).square().mean().sqrt() / weights.std()
    assert relative / 2 < error < relative
    for six_bits in (made.scales, made.minima):
        assert 0 <= six_bits.min() <= six_bits.max() <= 63
    assert made.q.max() <= 2**bits - 1


def test_k_quants_of_zeros_and_constants_are_exact():
    for value in (0.0, 0.5, -0.5):
        restored = k_quantized(torch.full((1, 256), value), 4).weights()
        assert torch.allclose(restored, torch.tensor(value), atol=2e-3)


def test_a_renamed_copy_bears_no_name(tmp_path):
    named = small_model(tmp_path / "named")
    (named / "README.md").write_text("SmolLM by Hugging Face")
    made = noise_and_rename(named, tmp_path / "out", 0.01, seed=3)
    texts = " ".join(path.read_text().lower() for path in made.iterdir() if path.suffix in (".md", ".json", ".jinja"))
    assert not [word for word in VENDOR_WORDS if word in texts.replace("llamaforcausallm", "").replace('"llama"', "")]
    change = StoredWeights(made)[PROJECTION].float() - StoredWeights(named)[PROJECTION].float()
    assert change.std().item() == pytest.approx(0.01 * StoredWeights(named)[PROJECTION].float().std().item(), rel=0.1)
