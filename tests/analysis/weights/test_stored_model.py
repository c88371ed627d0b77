"""Models in every form that is read: one file or several, fused projections, other number formats, GGUF."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from analysis.weights.architecture import Architecture, Heads
from analysis.weights.roles import Key, find_parts
from analysis.weights.stored_model import StoredModel
from analysis.weights.tokens import spelled_byte_level, spelled_sentencepiece
from probes.errors import CandidateError
from tests.tiny_weights import DIMENSIONS, HEADS, HIDDEN, KEYS, TOKENS, Tensors, random_model, save_model

NAMES = {
    "model.embed_tokens": "token_embd",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "model.layers": "blk",
}


def same(one: StoredModel, other: StoredModel, within: float = 0.0) -> None:
    assert one.parts.keys() == other.parts.keys()
    for key in one.parts:
        assert np.abs(one.read(key) - other.read(key)).max() <= within, key


def test_a_model_in_several_files(tmp_path: Path) -> None:
    tensors = random_model(0)
    whole, parted = (save_model(tmp_path / name, tensors) for name in ("whole", "parted"))
    (parted / "model.safetensors").unlink()
    files = {name: f"model-0000{number % 2}-of-00002.safetensors" for number, name in enumerate(tensors)}
    for file in set(files.values()):
        save_file({name: tensors[name] for name in tensors if files[name] == file}, parted / file)
    (parted / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}), "utf-8")
    same(StoredModel(whole), StoredModel(parted))


def test_a_file_alone_has_the_configuration_beside_it(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "model", random_model(0))
    alone = StoredModel(folder / "model.safetensors")
    assert alone.architecture.heads == Heads(HEADS, KEYS)
    assert len(alone.tokens) == TOKENS


def test_bfloat16_is_the_upper_half_of_a_float(tmp_path: Path) -> None:
    tensors = random_model(0)
    folder = save_model(tmp_path / "model", tensors)
    header: dict[str, dict[str, object]] = {}
    content = b""
    for name, one in tensors.items():
        half = (one.view(np.uint32) >> 16).astype("<u2").tobytes()
        header[name] = {"dtype": "BF16", "shape": one.shape, "data_offsets": [len(content), len(content) + len(half)]}
        content += half
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + content)
    stored, expected = StoredModel(folder), tensors["model.layers.2.mlp.down_proj.weight"]
    assert stored.read(Key("down", 2)) == pytest.approx(expected, rel=2**-7)
    assert stored.embeddings([7, 3]) == pytest.approx(tensors["model.embed_tokens.weight"][[7, 3]], rel=2**-7)


@pytest.mark.parametrize("layout", ["phi", "neox"])
def test_fused_projections_come_apart(tmp_path: Path, layout: str) -> None:
    """Against the layouts' definitions: Phi-3 stacks Q, K and V; GPT-NeoX does so within every head."""
    random = np.random.default_rng(0)
    keys = KEYS if layout == "phi" else HEADS
    q, k, v = (random.standard_normal((heads, DIMENSIONS, HIDDEN)).astype(np.float32) for heads in (HEADS, keys, keys))
    if layout == "phi":
        name, kind = "model.layers.0.self_attn.qkv_proj.weight", "phi3"
        fused = np.concatenate([one.reshape(-1, HIDDEN) for one in (q, k, v)])
    else:
        name, kind = "gpt_neox.layers.0.attention.query_key_value.weight", "gpt_neox"
        fused = np.concatenate([np.concatenate([q[head], k[head], v[head]]) for head in range(HEADS)])
    stored = StoredModel(save_model(tmp_path / "model", {name: fused}, model_type=kind, num_key_value_heads=keys))
    for role, expected in (("q", q), ("k", k), ("v", v)):
        assert (stored.read(Key(role, 0)) == expected.reshape(-1, HIDDEN)).all()


def test_what_has_an_unknown_name_is_listed_and_not_guessed() -> None:
    shapes = {
        "model.layers.0.self_attn.q_proj.weight": (8, 8),
        "model.layers.0.self_attn.q_proj.lora_A.weight": (2, 8),
        "vision_tower.layers.0.self_attn.q_proj.weight": (8, 8),
        "model.layers.0.self_attn.qkv_proj.weight": (7, 8),
        "model.layers.0.mlp.gate_proj.weight": (8,),
    }
    parts, unknown = find_parts(shapes, Architecture("llama", Heads(2, 1)))
    assert list(parts) == [Key("q", 0)]
    assert set(unknown) == shapes.keys() - {"model.layers.0.self_attn.q_proj.weight"}


def llama_cpp_order(weights: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """What llama.cpp's converter does with the rows of queries and keys (`LlamaModel.permute`)."""
    rows, columns = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def save_gguf(path: Path, tensors: Tensors, quantized: str | None = None) -> Path:
    gguf = pytest.importorskip("gguf")
    from gguf.quants import quantize

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"word{number}" for number in range(TOKENS)])
    for name, one in tensors.items():
        short = name
        for theirs, ours in NAMES.items():
            short = short.replace(theirs, ours)
        heads = {"attn_q.weight": HEADS, "attn_k.weight": KEYS}.get(short.partition(".")[2].partition(".")[2])
        values = llama_cpp_order(one, heads) if heads else one
        if quantized is not None and values.ndim == 2 and values.shape[1] % 32 == 0:
            kind = gguf.GGMLQuantizationType[quantized]
            writer.add_tensor(short, quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(short, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(("quantized", "within"), [(None, 0.0), ("BF16", 0.02), ("Q8_0", 0.03)])
def test_a_gguf_file_holds_the_same_model(tmp_path: Path, quantized: str | None, within: float) -> None:
    tensors = {
        name: one
        for name, one in random_model(0).items()
        if "post_attention" not in name and "norm.weight" not in name[:11]
    }
    folder = StoredModel(save_model(tmp_path / "model", tensors))
    file = StoredModel(save_gguf(tmp_path / "model.gguf", tensors, quantized))
    same(folder, file, within)
    assert file.tokens == folder.tokens
    assert np.abs(file.embeddings([5, 399]) - folder.embeddings([5, 399])).max() <= within


def test_tokens_are_spelled_in_bytes() -> None:
    assert spelled_byte_level("Ġcafé".replace("é", "Ã©")) == " café".encode()
    assert spelled_byte_level("<|im_start|>") == b"<|im_start|>"
    assert spelled_sentencepiece("▁café") == " café".encode()
    assert spelled_sentencepiece("<0x0A>") == b"\n"


@pytest.mark.parametrize("bits", [4, 8])
def test_what_compressed_tensors_packed_is_read_as_the_numbers_it_stands_for(tmp_path: Path, bits: int) -> None:
    random = np.random.default_rng(0)
    name = "model.layers.0.self_attn.q_proj.weight"
    numbers = random.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (HIDDEN, HIDDEN))
    scales = random.uniform(0.5, 1, (HIDDEN, 4 if bits == 4 else 1)).astype(np.float32)
    packed: dict[str, npt.NDArray[np.generic]] = {f"{name}_scale": scales}
    if bits == 4:
        nibbles = (numbers + 8).astype(np.uint32).reshape(HIDDEN, -1, 8) << (4 * np.arange(8, dtype=np.uint32))
        packed |= {f"{name}_packed": nibbles.sum(axis=2, dtype=np.uint32).view(np.int32)}
        packed |= {f"{name}_shape": np.array([HIDDEN, HIDDEN])}
    else:
        packed |= {name: numbers.astype(np.int8)}
    folder = save_model(tmp_path / "model", {})
    save_file(packed, folder / "model.safetensors")
    stored = StoredModel(folder)
    expected = numbers * scales.repeat(HIDDEN // scales.shape[1], axis=1)
    assert stored.read(Key("q", 0)) == pytest.approx(expected)
    assert stored.not_compared == []

    packed[f"{name}_scale"] = scales[:-1]  # which does not fit: it is not guessed what was meant
    save_file(packed, folder / "model.safetensors")
    with pytest.raises(CandidateError, match="no attention layer"):
        StoredModel(folder)
