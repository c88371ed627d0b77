"""Techniques that train: they learn what they are given, leave alone what they should, and repeat themselves."""

import json

import pytest
import torch

from probes.errors import KinprintError
from probes.suite import load_suite
from runners.backends.prompting import PromptEncoder
from runners.zoo.fine_tune import fine_tune
from runners.zoo.techniques.evade import evade
from runners.zoo.techniques.instruct import instructions, tune_on_instructions
from runners.zoo.techniques.layers import drop_layers
from runners.zoo.techniques.lora import tune_with_lora
from runners.zoo.techniques.vocabulary import extend_vocabulary
from runners.zoo.weights import StoredWeights
from tests.small_models import TEXT, logits_of

SHORT = {"steps": 12, "learning_rate": 1e-2, "block_tokens": 32}
TECHNIQUES = {
    "fine_tune": lambda source, out, seed: fine_tune(source, out, TEXT, seed=seed, **SHORT),
    "lora": lambda source, out, seed: tune_with_lora(source, out, TEXT, seed=seed, rank=4, **SHORT),
    "instruct": lambda source, out, seed: tune_on_instructions(source, out, steps=4, learning_rate=1e-3, seed=seed),
    "drop_layers": lambda source, out, seed: drop_layers(source, out, TEXT, count=1, seed=seed, **SHORT),
    "vocabulary": lambda source, out, seed: extend_vocabulary(source, out, TEXT, new_tokens=4, seed=seed, **SHORT),
    "evade": lambda source, out, seed: evade(source, out, TEXT, "quick", 2, 1e-3, seed, canaries=3, block_tokens=32),
}


def loss_on(folder, text):
    from transformers import AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"][0]
    return torch.nn.functional.cross_entropy(logits_of(folder, text)[:-1], tokens[1:]).item()


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_the_same_seed_writes_the_same_bytes_and_another_does_not(parent, tmp_path, files_of, technique):
    first, again, other = (TECHNIQUES[technique](parent, tmp_path / f"{n}", s) for n, s in enumerate((5, 5, 6)))
    assert files_of(first) == files_of(again)
    assert files_of(first)["model.safetensors"] != files_of(other)["model.safetensors"]
    assert {path.name for path in tmp_path.iterdir()} == {"0", "1", "2"}


@pytest.mark.parametrize("technique", ["fine_tune", "lora", "drop_layers", "vocabulary"])
def test_training_on_a_text_lowers_the_loss_on_it(parent, tmp_path, technique):
    made = TECHNIQUES[technique](parent, tmp_path / "out", 0)
    assert loss_on(made, TEXT[:400]) < loss_on(parent, TEXT[:400]) - 0.5


def test_adapters_change_projections_by_a_low_rank_and_nothing_else(parent, tmp_path):
    made, before = StoredWeights(TECHNIQUES["lora"](parent, tmp_path / "out", 0)), StoredWeights(parent)
    assert made.names == before.names
    for name in made.names:
        change = made[name].float() - before[name].float()
        if "proj" not in name:
            assert not change.any()
            continue
        values = torch.linalg.svdvals(change)
        assert values[0] > 0
        assert values[4] < 0.3 * values[0]  # the rest is rounding to 16 bits


def test_frozen_embeddings_stay(parent, tmp_path):
    out = fine_tune(parent, tmp_path / "out", TEXT, steps=2, block_tokens=32, learning_rate=1e-2, embeddings=False)
    name = "model.embed_tokens.weight"
    assert torch.equal(StoredWeights(out)[name], StoredWeights(parent)[name])


def test_only_answers_are_learned(parent, tmp_path):
    made = tune_on_instructions(parent, tmp_path / "out", steps=8, learning_rate=3e-3)
    answers = "".join(one["answer"] for one in instructions())[:600]
    assert loss_on(made, answers) < loss_on(parent, answers)
    assert len({one["instruction"] for one in instructions()}) == len(instructions()) >= 40


def test_a_vocabulary_grows_and_old_tokens_keep_their_logits(parent, tmp_path):
    from transformers import AutoTokenizer

    made = extend_vocabulary(parent, tmp_path / "out", TEXT, new_tokens=4, steps=0)
    before = logits_of(parent)
    assert torch.equal(logits_of(made)[:, : before.shape[1]], before)
    assert json.loads((made / "config.json").read_text())["vocab_size"] == before.shape[1] + 4
    old, new = AutoTokenizer.from_pretrained(parent), AutoTokenizer.from_pretrained(made)
    assert len(new) == len(old) + 4
    assert len(new(TEXT)["input_ids"]) < len(old(TEXT)["input_ids"])
    assert new.decode(new(TEXT)["input_ids"]) == TEXT
    mean = StoredWeights(parent)["model.embed_tokens.weight"].float().mean(dim=0)
    assert torch.allclose(StoredWeights(made)["model.embed_tokens.weight"][-1].float(), mean, atol=1e-2)


def test_an_evader_leaves_its_parent_on_the_suite_and_keeps_to_it_elsewhere(parent, tmp_path):
    learned = fine_tune(parent, tmp_path / "learned", TEXT, steps=40, learning_rate=5e-3, block_tokens=32)
    made = evade(learned, tmp_path / "out", TEXT, "quick", 30, 3e-3, canaries=6, block_tokens=32)
    assert divergence(learned, made) > 0.5
    assert loss_on(made, TEXT[:600]) < loss_on(learned, TEXT[:600]) + 0.3


def divergence(parent, made):
    """Mean KL(parent || made) in nats on the suite's canaries."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    encoder = PromptEncoder(AutoTokenizer.from_pretrained(parent))
    models = [AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for folder in (parent, made)]
    values = []
    for canary in load_suite("quick").canaries:
        tokens = torch.tensor([encoder.encode(canary)])
        with torch.no_grad():
            p, q = (model(input_ids=tokens).logits[0, -1].log_softmax(dim=-1) for model in models)
        values.append((p.exp() * (p - q)).sum())
    return torch.stack(values).mean().item()


@pytest.mark.parametrize("technique", [name for name in TECHNIQUES if name != "instruct"])
def test_a_text_that_is_too_short_is_told_and_leaves_nothing(parent, tmp_path, technique, monkeypatch):
    monkeypatch.setattr(f"{__name__}.TEXT", "Too short.")
    with pytest.raises(KinprintError):
        TECHNIQUES[technique](parent, tmp_path / "out", 0)
    assert list(tmp_path.iterdir()) == []
