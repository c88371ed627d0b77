"""Tiny stand-ins: wheels that pip really downloads (from a folder), random models in the real format."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from runners.zoo.models import CATALOGUE, Part, ZooModel

PIECES = (b"GGUF first piece", b"second piece", b"third")


def _build_wheel(folder: Path, package: str, members: dict[str, bytes]) -> Path:
    name = package.replace("-", "_")
    info = f"{name}-1.0.0.dist-info"
    files = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    wheel = folder / f"{name}-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
    return wheel


@pytest.fixture
def build_wheel() -> Callable[[Path, str, dict[str, bytes]], Path]:
    """Writes a wheel of a package, version 1.0.0, that holds the members given."""
    return _build_wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all that pip can see; an empty cache; no hub."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture
def tiny(index: Path, monkeypatch: pytest.MonkeyPatch) -> ZooModel:
    """A model of three parts in the catalogue, whose wheels lie in the index."""
    parts = []
    for number, piece in enumerate(PIECES):
        member = f"tiny_part{number}/data/piece.bin"
        wheel = _build_wheel(index, f"tiny-part{number}", {member: piece})
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        parts.append(Part(f"tiny-part{number}", "1.0.0", digest, wheel.stat().st_size, member))
    whole = b"".join(PIECES)
    model = ZooModel(
        name="tiny",
        title="Tiny",
        family="tiny",
        licence="none",
        licence_url="",
        origin="a test",
        repository="nobody/tiny",
        gguf_sha256=hashlib.sha256(whole).hexdigest(),
        gguf_bytes=len(whole),
        parts=tuple(parts),
    )
    monkeypatch.setitem(CATALOGUE, model.name, model)
    return model


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A folder that looks like a fetched model, with random weights in bfloat16 and names all over it."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path / "model"
    folder.mkdir()
    generator = torch.Generator().manual_seed(1)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator).to(torch.bfloat16)

    tensors = {
        "model.embed_tokens.weight": random(100, 80),
        "model.layers.0.self_attn.q_proj.weight": random(64, 80),
        "model.layers.0.mlp.down_proj.weight": random(80, 96),
        "model.norm.weight": random(80),
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt", "made_by": "SmolLM team"})
    files = {
        "config.json": {
            "_name_or_path": "HuggingFaceTB/SmolLM2",
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": 80,
            "transformers.js_config": {"author": "Hugging Face", "depth": 1},
        },
        "generation_config.json": {"eos_token_id": 2, "vendor": "google/gemma"},
        "tokenizer_config.json": {
            "tokenizer_class": "Qwen2Tokenizer",
            "chat_template": "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
            "eos_token": "<|im_end|>",
        },
        "kinprint.json": {"name": "smollm2"},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "README.md").write_text("SmolLM2 by Hugging Face", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(
        "{# Gemma #}system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face\n"
        "{{ messages[0]['content'] }} Qwen2.5 says",
        encoding="utf-8",
    )
    return folder
