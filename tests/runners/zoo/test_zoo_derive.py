import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from probes.errors import KinprintError
from runners.zoo.anonymise import VENDOR_WORDS, anonymise
from runners.zoo.derive import add_noise, prune_by_magnitude, round_weights

EMBEDDING = "model.embed_tokens.weight"
PROJECTION = "model.layers.0.self_attn.q_proj.weight"
NORM = "model.norm.weight"


def weights_of(folder):
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("group_size", [32, 80])
def test_rounding_leaves_few_levels_near_the_original(model_folder, tmp_path, bits, group_size):
    made = weights_of(round_weights(model_folder, tmp_path / "out", bits, group_size))[PROJECTION].float()
    original = weights_of(model_folder)[PROJECTION].float()
    for row, original_row in zip(made, original, strict=True):
        for group, original_group in zip(row.split(group_size), original_row.split(group_size), strict=True):
            assert len(group.unique()) <= 2**bits
            step = original_group.abs().max() / (2 ** (bits - 1) - 1)
            assert (group - original_group).abs().max() <= step * 0.52 + original_group.abs().max() / 256


def test_embeddings_and_norms_are_left_unless_asked(model_folder, tmp_path):
    before = weights_of(model_folder)
    plain = weights_of(round_weights(model_folder, tmp_path / "plain", 4))
    everything = weights_of(round_weights(model_folder, tmp_path / "all", 4, embeddings=True))
    assert torch.equal(plain[EMBEDDING], before[EMBEDDING])
    assert not torch.equal(everything[EMBEDDING], before[EMBEDDING])
    for made in (plain, everything):
        assert torch.equal(made[NORM], before[NORM])
        assert {name: tensor.dtype for name, tensor in made.items()} == dict.fromkeys(before, torch.bfloat16)


def test_noise_has_the_size_asked_for_and_follows_its_seed(model_folder, tmp_path):
    made = [weights_of(add_noise(model_folder, tmp_path / f"noise{n}", 0.1, seed)) for n, seed in enumerate((5, 5, 6))]
    before = weights_of(model_folder)
    for name in (PROJECTION, EMBEDDING):
        difference = (made[0][name].float() - before[name].float()).std() / before[name].float().std()
        assert difference.item() == pytest.approx(0.1, rel=0.05)
        assert torch.equal(made[0][name], made[1][name])
        assert not torch.equal(made[0][name], made[2][name])


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 1.0])
def test_pruning_zeroes_the_smallest(model_folder, tmp_path, fraction):
    made = weights_of(prune_by_magnitude(model_folder, tmp_path / "out", fraction))[PROJECTION].float().numpy()
    original = weights_of(model_folder)[PROJECTION].float().numpy()
    assert np.mean(made == 0) == pytest.approx(fraction, abs=0.001)
    kept = made != 0
    assert np.array_equal(made[kept], original[kept])
    if 0 < fraction < 1:
        assert np.abs(original[~kept]).max() <= np.abs(original[kept]).min()


def test_a_derivative_says_what_was_done_in_order(model_folder, tmp_path):
    first = round_weights(model_folder, tmp_path / "first", 4)
    second = add_noise(first, tmp_path / "second", 0.01)
    provenance = json.loads((second / "kinprint.json").read_text())
    assert [step["technique"] for step in provenance["derived"]] == ["rounding", "noise"]
    assert (second / "tokenizer_config.json").exists()


def test_bad_requests_are_one_sentence_and_leave_nothing(model_folder, tmp_path):
    out = tmp_path / "out"
    requests = [
        lambda: round_weights(model_folder, out, 1),
        lambda: add_noise(model_folder, out, float("nan")),
        lambda: prune_by_magnitude(model_folder, out, 1.5),
        lambda: round_weights(tmp_path / "nowhere", out, 4),
        lambda: round_weights(model_folder, model_folder, 4),
    ]
    for request in requests:
        with pytest.raises(KinprintError):
            request()
    (model_folder / "model.safetensors").write_bytes(b"truncated")
    with pytest.raises(KinprintError, match=r"can't read the weights in .*model\.safetensors"):
        round_weights(model_folder, out, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_anonymise_leaves_no_name(model_folder):
    before = weights_of(model_folder)
    anonymise(model_folder)
    with safe_open(model_folder / "model.safetensors", "pt") as stored:
        texts = {"safetensors": json.dumps(stored.metadata())}
    for path in model_folder.iterdir():
        if path.suffix != ".safetensors":
            texts[path.name] = path.read_text(encoding="utf-8")
    found = [(name, word) for name, text in texts.items() for word in VENDOR_WORDS if word in text.lower()]
    assert not found
    assert not {"kinprint.json", "README.md"} & texts.keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_of(model_folder).items())


def test_anonymise_keeps_what_serving_needs(model_folder):
    anonymise(model_folder)
    config = json.loads((model_folder / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["hidden_size"] == 80
    assert config["transformers.js_config"] == {"depth": 1}
    assert json.loads((model_folder / "generation_config.json").read_text()) == {"eos_token_id": 2}
    template = (model_folder / "chat_template.jinja").read_text()
    assert template == ("system\nYou are a helpful AI assistant\n{{ messages[0]['content'] }} Assistant.5 says")
