"""Evaluation: what is left out is left out of everything, and the figures are what they are called."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.evaluation.evaluation import Plan, evaluate, random_subsets
from analysis.kinship.canary_weights import PairMoments
from analysis.kinship.selection import choose_canaries
from analysis.kinship.similarities import Tensor, similarities
from analysis.kinship.typicality import Typicality
from analysis.libraries.lineage import Lineage
from probes.errors import LibraryError
from tests.word_models import WordLibrary, word_library, word_signature

PLAN = Plan(budgets=(8, 40, 1000, "all"), seeds=4)


def figures(library: WordLibrary, plan: Plan = PLAN) -> dict[str, Any]:
    return evaluate(library.signatures, library.lineage, plan)


def _similarities(library: WordLibrary) -> Tensor:
    return similarities(library.signatures, library.signatures, ["first_word"])


@pytest.fixture(scope="module")
def library() -> WordLibrary:
    return word_library([4, 3, 3, 2, 4, 1])


@pytest.fixture(scope="module")
def found(library: WordLibrary) -> dict[str, Any]:
    return figures(library)


def test_the_json_has_the_promised_shape(found: dict[str, Any]) -> None:
    assert list(found["budgets"]) == ["8", "40", "1000", "all"]
    for budget in found["budgets"].values():
        assert set(budget) == {"random", "chosen"}
        for way in budget.values():
            assert set(way) == {"family_accuracy", "low", "high", "n"}
            assert 0 <= way["low"] <= way["family_accuracy"] <= way["high"] <= 1
            assert way["n"] == 16
    assert set(found["open_set"]) == {"auroc", "known_accepted_at_90", "n_known", "n_unknown"}
    assert set(found["calibration"]) == {"ece", "log_loss", "log_loss_prior", "p_value"}
    json.dumps(found, allow_nan=False)


def test_relatives_are_found_and_strangers_are_unknown(found: dict[str, Any]) -> None:
    assert found["budgets"]["all"]["random"]["family_accuracy"] >= 0.9
    assert found["budgets"]["8"]["random"]["family_accuracy"] < found["budgets"]["40"]["random"]["family_accuracy"]
    assert found["open_set"]["auroc"] > 0.95
    assert found["calibration"]["log_loss"] < found["calibration"]["log_loss_prior"] / 2
    assert found["calibration"]["p_value"] > 0.01


def test_chosen_canaries_beat_random_ones_where_most_tell_nothing() -> None:
    full = word_library([4, 4, 4, 4, 4], canaries=200, own=0.8)
    deaf = np.arange(200) % 5 > 0
    words = np.where(deaf, full.words[0], full.words)
    found = figures(WordLibrary(words, full.lineage), Plan(budgets=(10,), seeds=5))["budgets"]["10"]
    assert found["chosen"]["family_accuracy"] >= found["random"]["family_accuracy"] + 0.2


def test_all_has_both_ways_equal_and_so_has_a_clipped_budget(found: dict[str, Any]) -> None:
    assert found["budgets"]["all"]["random"] == found["budgets"]["all"]["chosen"] == found["budgets"]["1000"]["chosen"]
    assert "budget 1000 was clipped to the 120 canaries that exist" in found["warnings"]
    assert not any("budget 40" in warning for warning in found["warnings"])


def test_the_only_model_of_its_family_counts_in_the_open_set(found: dict[str, Any]) -> None:
    assert (found["open_set"]["n_known"], found["open_set"]["n_unknown"]) == (16, 17)
    assert any("model-5-0" in warning for warning in found["warnings"])
    assert all(miss["name"] != "model-5-0" for miss in found["misses"])


def test_twins_alone_in_their_family_are_no_relatives() -> None:
    library = word_library([3, 3, 3, 1], twins=True)
    found = figures(library, Plan(budgets=("all",), seeds=1))
    assert (found["open_set"]["n_known"], found["open_set"]["n_unknown"]) == (18, 20)


def test_a_twin_of_the_same_weights_is_left_out_too() -> None:
    # Members share nothing but the family's name: only its twin could tell where a model belongs.
    strangers = word_library([3] * 6, own=0.0, twins=True)
    plan = Plan(budgets=("all",), seeds=1)
    honest = figures(strangers, plan)["budgets"]["all"]["random"]["family_accuracy"]
    assert honest <= 0.4
    unmarked = {name: replace(one, weights=name) for name, one in strangers.lineage.items()}
    leaking = figures(WordLibrary(strangers.words, unmarked), plan)["budgets"]["all"]["random"]["family_accuracy"]
    assert leaking == 1


def test_nothing_is_learned_from_what_is_left_out() -> None:
    library = word_library([3, 3, 2, 2])
    lineage = list(library.lineage.values())
    families, weights = (
        np.unique([getattr(m, k) for m in lineage], return_inverse=True)[1] for k in ("family", "weights")
    )
    tensor = _similarities(library)
    learned = Typicality.of(tensor, families, weights).without([0, 1]).without([5])
    changed = tensor.copy()
    changed[:, [0, 1, 5]] = changed[:, :, [0, 1, 5]] = 0.77
    again = Typicality.of(changed, families, weights).without([5, 0, 1])
    rest = np.array([2, 3, 4, 6, 7, 8, 9])
    assert learned.places.tolist() == rest.tolist()
    np.testing.assert_allclose(learned()[:, rest], again()[:, rest], atol=1e-5)
    # Every family weighs the same: model 3 (family 1) has model 4 there, one of family 0, two each of 2 and 3.
    means = [tensor[0, 3, [4]], tensor[0, 3, [2]], tensor[0, 3, [6, 7]], tensor[0, 3, [8, 9]]]
    np.testing.assert_allclose(learned()[0, 3], np.mean([m.mean(axis=0) for m in means], axis=0), atol=1e-5)


def test_misses_say_what_was_said_instead() -> None:
    library = word_library([4, 4, 4, 4])
    swapped = {**library.lineage, "model-0-0": replace(library.lineage["model-0-0"], family="family-1")}
    [miss] = [m for m in figures(WordLibrary(library.words, swapped))["misses"] if m["name"] == "model-0-0"]
    assert (miss["family"], miss["said"]) == ("family-1", "family-0")
    assert miss["p"] > miss["p_family"]


def test_canaries_that_few_answered_are_left_out_and_partial_ones_are_noted() -> None:
    library = word_library([3, 3, 3])
    words = library.words.copy()
    words[:6, :30] = -1
    words[0, 50] = -1
    found = figures(WordLibrary(words, library.lineage), Plan(budgets=("all",), seeds=1))
    assert found["about"]["canaries"] == 90
    assert any(warning.startswith("30 canaries") for warning in found["warnings"])
    assert any(warning.startswith("1 canaries were answered by some") for warning in found["warnings"])
    assert found["budgets"]["all"]["random"]["family_accuracy"] > 0.8


def test_two_families_say_little_and_do_not_fail() -> None:
    found = figures(word_library([3, 3]), Plan(budgets=("all",), seeds=1))
    assert found["open_set"]["n_unknown"] == 6
    assert any("few lineages" in warning for warning in found["warnings"])


def test_a_library_without_relatives_has_no_accuracy() -> None:
    found = figures(word_library([1, 1, 1, 1]), Plan(budgets=("all",), seeds=1))
    assert found["budgets"]["all"]["random"] == {"family_accuracy": 0.0, "low": 0.0, "high": 1.0, "n": 0}
    assert found["open_set"]["auroc"] is None


def test_too_few_models_or_families_are_refused() -> None:
    lineage = {f"m{n}": Lineage(f"m{n}", "one", None, f"m{n}") for n in range(3)}
    with pytest.raises(LibraryError, match="3 models of 1 families"):
        evaluate([word_signature(name, [1, 2, 3]) for name in lineage], lineage, PLAN)


def test_random_canaries_are_drawn_without_replacement_and_differ_by_seed() -> None:
    subsets = random_subsets(50, np.arange(10, 50), [8, 40], 20)
    assert subsets.sum(axis=0).tolist() == [8] * 20 + [40] * 20
    assert not subsets[:10].any()
    assert len({tuple(column) for column in subsets[:, :20].T}) == 20


def test_canaries_count_by_what_other_families_show() -> None:
    library = word_library([3, 3, 3, 3])
    words = library.words.copy()
    words[:, 60:] = np.random.default_rng(5).integers(0, 40, (12, 60))  # nobody's habit
    families = np.repeat(np.arange(4), 3)
    tensor = _similarities(WordLibrary(words, library.lineage))
    moments = PairMoments.of(Typicality.of(tensor, families, np.arange(12)))
    weights = moments.weights()[0]
    assert weights.mean() == pytest.approx(1, abs=1e-4)
    assert weights[:60].mean() > 3 * weights[60:].mean()
    changed = tensor.copy()
    changed[:, :3] = changed[:, :, :3] = 0.5
    again = PairMoments.of(Typicality.of(changed, families, np.arange(12)).without([0, 1, 2]))
    expected = PairMoments.of(Typicality.of(tensor, families, np.arange(12)).without([0, 1, 2]))
    np.testing.assert_allclose(again.weights(), expected.weights(), rtol=1e-4)


def test_without_kin_all_canaries_count_alike() -> None:
    library = word_library([1, 1, 1])
    tensor = _similarities(library)
    moments = PairMoments.of(Typicality.of(tensor, np.arange(3), np.arange(3)))
    assert (moments.weights() == 1).all()


def test_a_canary_that_repeats_another_is_not_chosen_beside_it() -> None:
    source = np.random.default_rng(0)
    kin = np.arange(400) < 100
    good, other = (source.normal(0, 1, 400) + shift * kin for shift in (1.2, 1.0))
    terms = np.stack([good, good, other, source.normal(0, 1, 400)], axis=1).astype(np.float32)
    chosen = choose_canaries(terms, kin, np.ones(400), 3)
    assert set(chosen[:2].tolist()) in ({0, 2}, {1, 2})
    assert len(set(chosen.tolist())) == 3


def test_folds_side_by_side_say_what_they_say_one_after_the_other(library: WordLibrary) -> None:
    plan = Plan(budgets=(20, "all"), seeds=2)
    assert figures(library, replace(plan, jobs=3)) == figures(library, plan)


def test_of_many_strangers_some_are_asked_whichever_their_family(
    library: WordLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(budgets=("all",), seeds=1)
    everybody = figures(library, plan)
    monkeypatch.setattr("analysis.evaluation.folds._MOST_STRANGERS", 12)
    some = figures(library, plan)
    assert some["open_set"]["auroc"] == pytest.approx(everybody["open_set"]["auroc"], abs=0.03)
    assert some["calibration"]["log_loss"] != everybody["calibration"]["log_loss"]
    assert some["calibration"]["log_loss"] == pytest.approx(everybody["calibration"]["log_loss"], abs=0.1)
