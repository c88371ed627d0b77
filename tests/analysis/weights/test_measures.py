"""What each measure makes of models that were changed in a known way, and of strangers."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.weights.comparison import Side, compare
from analysis.weights.evidence import WeightEvidence, compare_weights
from analysis.weights.innocent_pairs import Pair, PairMember, PairsFile
from analysis.weights.invariants import by_depth, match_layers
from analysis.weights.measures import MEASURES
from analysis.weights.profiles import correlation, stretched
from analysis.weights.stored_model import StoredModel
from analysis.weights.summary import load_summary, save_summary, summarise
from analysis.weights.words import said
from tests.tiny_weights import (
    HIDDEN,
    TOKENS,
    noisy,
    orthogonal,
    random_model,
    save_model,
    turned,
    write_tokenizer,
)

INVARIANT = ("qk_spectra", "ov_spectra", "embedding_alignment", "huref_terms", "qk_circuits", "ov_circuits")


def values(a: Path, b: Path) -> dict[str, float | None]:
    one, other = (Side(model, summarise(model)) for model in (StoredModel(a), StoredModel(b)))
    return {name: found.value for name, found in compare(one, other).items()}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "original", random_model(0))


def test_the_same_weights_are_the_same_by_every_measure(original: Path) -> None:
    found = values(original, original)
    assert set(found) == {measure.name for measure in MEASURES}
    assert list(found.values()) == pytest.approx([1.0] * len(found), abs=1e-3)


def test_noise_and_other_names_hide_nothing(original: Path, tmp_path: Path) -> None:
    found = values(original, save_model(tmp_path / "renamed", noisy(random_model(0), 0.05)))
    assert min(value for value in found.values() if value is not None) > 0.95


def test_strangers_agree_in_nothing_but_the_profile_of_their_recipe(original: Path, tmp_path: Path) -> None:
    found = values(original, save_model(tmp_path / "stranger", random_model(1)))
    assert found["std_profile"] is not None
    assert found["std_profile"] > 0.99  # the accuser's measure fires: both were made with the same spread by layer
    for name in ("cosine", "qk_circuits", "ov_circuits", "embedding_alignment"):
        assert found[name] == pytest.approx(0.0, abs=0.05), name


@pytest.mark.parametrize("how", ["permuted", "rotated"])
def test_a_turned_hidden_space_is_seen_through_by_the_invariants_and_not_by_the_cosine(
    original: Path, tmp_path: Path, how: str
) -> None:
    permutation = np.eye(HIDDEN, dtype=np.float32)[np.random.default_rng(3).permutation(HIDDEN)]
    rotation = permutation if how == "permuted" else orthogonal(3)
    found = values(original, save_model(tmp_path / how, turned(random_model(0), rotation)))
    assert found["cosine"] == pytest.approx(0.0, abs=0.2)
    for name in INVARIANT:
        assert found[name] == pytest.approx(1.0, abs=5e-3), name


def test_the_order_of_heads_and_the_scale_of_a_circuits_halves_do_not_matter(original: Path, tmp_path: Path) -> None:
    changed = random_model(0)
    for name, one in changed.items():
        if "self_attn.q_proj" in name:  # the two groups of two heads change places, and all are doubled
            changed[name] = np.concatenate([one[16:], one[:16]]) * 2
        elif "k_proj" in name or "v_proj" in name:
            changed[name] = np.concatenate([one[8:], one[:8]]) / 2
        elif "o_proj" in name:
            changed[name] = np.concatenate([one[:, 16:], one[:, :16]], axis=1)
    found = values(original, save_model(tmp_path / "reordered", changed))
    assert found["cosine"] is not None
    assert found["cosine"] < 0.8
    for name in ("qk_spectra", "ov_spectra", "qk_circuits", "ov_circuits"):
        assert found[name] == pytest.approx(1.0, abs=5e-3), name


def test_a_model_that_lost_a_layer_is_matched_around_it(original: Path, tmp_path: Path) -> None:
    whole = random_model(0)
    cut = {name: one for name, one in whole.items() if ".layers.1." not in name}
    for layer in (2, 3):
        cut = {name.replace(f".layers.{layer}.", f".layers.{layer - 1}."): one for name, one in cut.items()}
    found = values(save_model(tmp_path / "shorter", cut), original)
    assert found["cosine"] == pytest.approx(1.0, abs=1e-3)
    assert found["qk_circuits"] == pytest.approx(1.0, abs=1e-3)


def test_another_hidden_size_and_vocabulary_are_compared_by_what_they_share(original: Path, tmp_path: Path) -> None:
    other = save_model(tmp_path / "other", random_model(2, hidden=64))
    write_tokenizer(other, {f"word{number}": TOKENS - 1 - number for number in range(100, TOKENS)})
    found = values(original, other)
    assert found["cosine"] is None
    assert found["qk_circuits"] == pytest.approx(0.0, abs=0.05)
    write_tokenizer(other, {"nothing": 0, "shared": 1})
    assert values(original, other)["embedding_alignment"] is None


def test_tokens_are_matched_by_their_bytes_and_not_by_their_numbers(original: Path, tmp_path: Path) -> None:
    tensors = random_model(0)
    tensors["model.embed_tokens.weight"] = tensors["model.embed_tokens.weight"][::-1]
    other = save_model(tmp_path / "renumbered", tensors)
    write_tokenizer(other, {f"word{number}": TOKENS - 1 - number for number in range(TOKENS)})
    found = values(original, other)
    assert found["qk_circuits"] == pytest.approx(1.0, abs=1e-3)
    assert found["embedding_alignment"] == pytest.approx(1.0, abs=1e-3)


def test_experts_are_matched_with_the_dense_model_that_they_were_copied_from(original: Path, tmp_path: Path) -> None:
    mixture = {}
    for name, one in random_model(0).items():
        if ".mlp." not in name:
            mixture[name] = one
            continue
        prefix, kind = name.split("mlp.")[0], {"gate": "w1", "up": "w3", "down": "w2"}[name.split(".")[-2][:-5]]
        for expert in range(2):
            mixture[f"{prefix}block_sparse_moe.experts.{expert}.{kind}.weight"] = one * (1 + expert)
    model = save_model(tmp_path / "mixture", mixture, model_type="mixtral")
    one, other = (Side(found, summarise(found)) for found in (StoredModel(model), StoredModel(original)))
    cosine = compare(one, other)["cosine"]
    assert cosine.value == pytest.approx(1.0, abs=1e-3)
    assert cosine.detail["matrices"] == 4 * (4 + 3 * 2)


def test_layers_are_matched_in_order() -> None:
    alike = np.array([[0.1, 0.9, 0.0, 0.0], [0.8, 0.0, 0.1, 0.2]])
    assert match_layers(alike) == [(0, 1), (1, 3)]  # the best for each would cross
    assert match_layers(alike.T) == [(1, 0), (3, 1)]
    assert match_layers(np.eye(3)) == [(0, 0), (1, 1), (2, 2)]
    assert by_depth(3, 5) == [(0, 0), (1, 2), (2, 4)]


def test_curves_are_stretched_over_their_relative_depth() -> None:
    assert stretched(np.array([0.0, 1.0, 0.0]), 5) == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])
    assert correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0, 5.0])) == pytest.approx(1.0)
    assert correlation(np.array([1.0, 2.0]), np.array([2.0, 1.0])) is None
    assert correlation(np.array([1.0, 1.0, 1.0]), np.array([2.0, 1.0, 3.0])) is None


def test_a_summary_is_read_back_as_it_was(original: Path, tmp_path: Path) -> None:
    summary = summarise(StoredModel(original))
    save_summary(summary, tmp_path / "summary.safetensors")
    again = load_summary(tmp_path / "summary.safetensors")
    assert again.digest() == summary.digest()
    assert again.facts == summary.facts
    assert again.spelled == summary.spelled


def pairs_file() -> PairsFile:
    """Four strangers of one shape, all alike in their profiles, and a descendant."""
    names = ("one", "two", "three", "four", "child")
    members = tuple(
        PairMember(name, "lookalike", name.replace("child", "one"), "p", "llama", 9, name) for name in names
    )
    strange = {measure.name: 0.1 for measure in MEASURES} | {"std_profile": 1.0}
    kin = dict.fromkeys(strange, 0.8)
    strangers = [Pair(a, b, "independent", True, dict(strange)) for b in range(4) for a in range(b)]
    return PairsFile("a test", members, (*strangers, Pair(0, 4, "descendant", True, dict(kin))))


def test_what_strangers_reach_says_nothing_and_what_none_reaches_does(original: Path, tmp_path: Path) -> None:
    kin = compare_weights(original, save_model(tmp_path / "kin", noisy(random_model(0), 0.05)), pairs_file())
    profile, cosine = kin.reading("std_profile").strangers, kin.reading("cosine").strangers
    assert profile is not None
    assert cosine is not None
    assert (profile.reached, profile.pairs, profile.independent) == (6, 6, 2)
    assert (cosine.reached, cosine.pairs, cosine.independent) == (0, 6, 2)
    assert cosine.upper == pytest.approx(1 - 0.05**0.5)
    assert "shared weight ancestry" in said(kin)
    assert "std_profile 6 of 6 pairs" in said(kin)
    stranger = compare_weights(original, save_model(tmp_path / "stranger", random_model(1)), pairs_file())
    assert "no sign of shared weights" in said(stranger)
    turned_model = save_model(tmp_path / "turned", turned(random_model(0), orthogonal(4)))
    assert "after a permutation or rotation" in said(compare_weights(original, turned_model, pairs_file()))


def test_evidence_and_pairs_are_read_back_as_they_were(original: Path, tmp_path: Path) -> None:
    evidence = compare_weights(original, original, pairs_file())
    assert WeightEvidence.from_json(json.loads(evidence.to_json())) == evidence
    assert replace(evidence, not_compared_a=("\ud800",)).to_json().encode()  # half a pair, which UTF-8 has no bytes for
    pairs_file().save(tmp_path / "pairs.json", [measure.name for measure in MEASURES])
    assert PairsFile.load(tmp_path / "pairs.json") == pairs_file()
