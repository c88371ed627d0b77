"""Files of strangers that lie: one clear sentence each, and never more memory than the file is long."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from analysis.weights.stored_model import StoredModel
from probes.errors import CandidateError
from tests.tiny_weights import random_model, save_model

INDEX = "model.safetensors.index.json"


def safetensors(folder: Path, header: Any, content: bytes = b"\0" * 64, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", size) + text + content)
    return folder


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "model.layers.0.self_attn.q_proj.weight": {"dtype": "F32", "shape": [4, 4], "data_offsets": [0, 64], **changes}
    }


@pytest.mark.parametrize(
    ("header", "length", "sentence"),
    [
        (entry(), 1 << 62, "header would be longer"),
        (entry(), 200_000_000, "header would be longer"),
        (b"not json", None, "no JSON"),
        (b"[" * 100_000, None, "no JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", None, "no JSON"),
        ([1, 2], None, "no object"),
        ({"a": 3}, None, "in a way that no safetensors file does"),
        (entry(data_offsets=[0, 1 << 60]), None, "outside of itself"),
        (entry(data_offsets=[64, 0]), None, "outside of itself"),
        (entry(data_offsets=[-64, 0]), None, "in a way that no safetensors file does"),
        (entry(data_offsets=[0.0, 64]), None, "in a way that no safetensors file does"),
        (entry(data_offsets=[0]), None, "in a way that no safetensors file does"),
        (entry(shape=[1 << 40, 1 << 40]), None, "do not fill"),
        (entry(shape=[4, 4, 4]), None, "do not fill"),
        (entry(shape=[True, 16]), None, "in a way that no safetensors file does"),
        (entry(shape=[1] * 1000), None, "in a way that no safetensors file does"),
        (entry(shape=[0, 4], data_offsets=[0, 0]), None, "no attention layer"),
        (entry(dtype="F8_E4M3", data_offsets=[0, 16]), None, "no attention layer"),
        ({"x\u202e": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}}, None, "no attention layer"),
        (
            {f"model.layers.{n}.self_attn.q_proj.weight": one for n in range(1001) for one in entry().values()},
            None,
            "1,001",
        ),
        ({f"model.layers.{'9' * 5000}.self_attn.q_proj.weight": entry().popitem()[1]}, None, "no attention layer"),
    ],
)
def test_forged_safetensors_headers(tmp_path: Path, header: Any, length: int | None, sentence: str) -> None:
    with pytest.raises(CandidateError, match=sentence) as caught:
        StoredModel(safetensors(tmp_path, header, length=length))
    assert "\n" not in str(caught.value)


def test_a_safetensors_file_that_is_cut_off(tmp_path: Path) -> None:
    whole = save_model(tmp_path / "whole", random_model(0)) / "model.safetensors"
    for size in (0, 5, 200, whole.stat().st_size - 4):
        os.truncate(whole, size)
        with pytest.raises(CandidateError, match=r"longer than|truncated|JSON"):
            StoredModel(tmp_path / "whole")


@pytest.mark.parametrize(
    "name", ["../secret.safetensors", "/etc/passwd", "sub/x.safetensors", "..\\x.safetensors", "weights.bin", ".."]
)
def test_an_index_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.safetensors").write_bytes(b"")
    model = tmp_path / "model"
    model.mkdir()
    (model / INDEX).write_text(json.dumps({"weight_map": {"a": name}}), "utf-8")
    with pytest.raises(CandidateError, match=r"only \.safetensors files beside it"):
        StoredModel(model)


@pytest.mark.parametrize("index", ["{}", '{"weight_map": []}', '{"weight_map": {}}', "nonsense", "[]"])
def test_an_index_without_files(tmp_path: Path, index: str) -> None:
    (tmp_path / INDEX).write_text(index, "utf-8")
    with pytest.raises(CandidateError, match=r"weight_map|JSON"):
        StoredModel(tmp_path)


@pytest.mark.parametrize("linked", ["model.safetensors", "config.json", "tokenizer.json"])
def test_links_are_refused(tmp_path: Path, linked: str) -> None:
    model = save_model(tmp_path / "model", random_model(0))
    (model / linked).rename(tmp_path / "elsewhere")
    (model / linked).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CandidateError, match="is a link"):
        _ = StoredModel(model).tokens


def test_the_hubs_own_cache_is_read(tmp_path: Path) -> None:
    snapshot = save_model(tmp_path / "models--org--name" / "snapshots" / "main", random_model(0))
    blobs = tmp_path / "models--org--name" / "blobs"
    blobs.mkdir()
    for file in list(snapshot.iterdir()):
        file.rename(blobs / file.name)
        file.symlink_to(Path("../../blobs") / file.name)
    assert len(StoredModel(snapshot).layers) == 4


@pytest.mark.parametrize(
    ("config", "tokenizer"),
    [
        ('{"num_attention_heads": -1}', '{"model": {"vocab": {"a": "b"}}}'),
        ('{"num_attention_heads": 1e300, "model_type": 7}', '{"model": []}'),
        ('{"num_attention_heads": 5, "num_key_value_heads": 3}', '{"model": {"vocab": [1, ["a"], [[]]]}}'),
        ('{"text_config": {"num_attention_heads": true}}', '{"model": {"vocab": {"a": 99999999, "\\ud800": 1}}}'),
    ],
)
def test_configurations_that_make_no_sense_leave_out_what_needs_them(
    tmp_path: Path, config: str, tokenizer: str
) -> None:
    from analysis.weights.summary import summarise

    model = save_model(tmp_path / "model", random_model(0))
    (model / "config.json").write_text(config, "utf-8")
    (model / "tokenizer.json").write_text(tokenizer, "utf-8")
    summary = summarise(StoredModel(model))
    assert len(summary.circuits["qk"]) == 0
    assert len(summary.profiles["q"]) == 4


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1e38])
def test_numbers_that_are_no_weights(tmp_path: Path, number: float) -> None:
    from analysis.weights.summary import summarise

    tensors = random_model(0)
    tensors["model.layers.1.self_attn.v_proj.weight"][0, 0] = number
    with pytest.raises(CandidateError, match="not finite"):
        summarise(StoredModel(save_model(tmp_path / "model", tensors)))


def gguf(path: Path, *parts: bytes, tensors: int = 0, facts: int = 0, version: int = 3) -> Path:
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", version, tensors, facts) + b"".join(parts))
    return path


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


ENDLESS = text("a") + struct.pack("<IIQ", 9, 0, 1 << 60)
TENSOR = text("blk.0.attn_q.weight")


@pytest.mark.parametrize(
    ("parts", "counts", "sentence"),
    [
        ((), {"version": 1}, "version 1"),
        ((), {"version": 0x03000000}, "big-endian"),
        ((), {"facts": 1 << 62}, "would hold"),
        ((), {"tensors": 1 << 62}, "would hold"),
        ((struct.pack("<Q", 1 << 60),), {"facts": 1}, "a name or text"),
        ((struct.pack("<Q", 1000), b"short"), {"facts": 1}, "in the middle"),
        ((ENDLESS,), {"facts": 1}, "a list"),
        ((text("a"), struct.pack("<IIQ", 9, 0, 1 << 20)), {"facts": 1}, "in the middle"),
        ((text("a"), struct.pack("<I", 99), b"\0" * 64), {"facts": 1}, "unknown type"),
        ((text("a"), struct.pack("<IIQ", 9, 9, 5), b"\0" * 64), {"facts": 1}, "unknown type"),
        ((text("general.alignment"), struct.pack("<II", 4, 0)), {"facts": 1}, "aligned"),
        ((TENSOR, struct.pack("<I", 1000), b"\0" * 64), {"tensors": 1}, "dimensions"),
        ((TENSOR, struct.pack("<IQQIQ", 2, 1 << 40, 1 << 40, 0, 0)), {"tensors": 1}, "the shape"),
        ((TENSOR, struct.pack("<IQQIQ", 2, 32, 32, 0, 0)), {"tensors": 1}, "outside of itself"),
        ((TENSOR, struct.pack("<IQQIQ", 2, 5, 7, 12, 0)), {"tensors": 1}, "outside of itself"),
        ((TENSOR, struct.pack("<IQQIQ", 2, 2, 2, 999, 0), b"\0" * 64), {"tensors": 1}, "no attention layer"),
        (2 * (TENSOR, struct.pack("<IQQIQ", 2, 2, 2, 0, 0)), {"tensors": 2}, "twice"),
    ],
)
def test_forged_gguf_files(tmp_path: Path, parts: tuple[bytes, ...], counts: dict[str, int], sentence: str) -> None:
    pytest.importorskip("gguf")
    with pytest.raises(CandidateError, match=sentence) as caught:
        StoredModel(gguf(tmp_path / "model.gguf", *parts, **counts))
    assert "\n" not in str(caught.value)


def test_what_is_no_model_at_all(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    (tmp_path / "model.gguf").write_bytes(b"GGML" + b"\0" * 64)
    with pytest.raises(CandidateError, match="no GGUF file"):
        StoredModel(tmp_path / "model.gguf")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CandidateError, match="no model folder"):
        StoredModel(tmp_path / "empty")
    with pytest.raises(CandidateError, match="there is no model"):
        StoredModel(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(CandidateError, match="there is no model"):
        StoredModel(tmp_path / "pipe.safetensors")
