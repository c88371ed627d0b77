"""The chance that a test for descent decides: what the test itself then does, on libraries that can and can't."""

from pathlib import Path

import numpy as np
import pytest

from analysis.descent.ancestry import descent
from analysis.libraries.library import Library
from analysis.power.advice import descent_advice
from analysis.power.asked import Asked
from analysis.power.decidable import ParentChances, columns_of, other_ways, parents_at, scorer
from analysis.power.descent import DescentChances, descent_chances
from analysis.power.tables import LISTED, descent_table, parents_table
from analysis.signatures.observation import Access
from probes.errors import LibraryError
from tests.made_up_trainings import CANARIES, logits_of, record, write_trainings
from tests.recordings import suite_of

DRIFT = 1.7


def asked_of(library: Library, tier: str = "logits", budget: int | None = None) -> Asked:
    known = {"text": Access("text", draws=4), "logits": Access("logits")}
    access = known.get(tier, Access("topk", top_k=20, named=tier == "chosen"))
    return Asked.of(library, suite_of(CANARIES), "descent", access, budget)


def chances_of(asked: Asked, parents: tuple[str, ...] = (), alpha: float = 0.01) -> list[DescentChances]:
    return descent_chances(asked, parents, alpha, lambda what, total: lambda: None)


def parents_of(library: Library, names: list[str], budget: int = CANARIES, alpha: float = 0.01) -> list[ParentChances]:
    asked = asked_of(library)
    scores = scorer(asked, "logits")(asked.places[:budget])
    return list(parents_at(asked, scores, columns_of(asked, names), budget, alpha))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return write_trainings(tmp_path_factory.mktemp("seeds"), 8, DRIFT)


@pytest.fixture(scope="module")
def chances(library: Library) -> list[DescentChances]:
    return chances_of(asked_of(library))


def test_parents_that_can_be_decided_come_first_and_others_say_why(chances: list[DescentChances]) -> None:
    told = chances[-1].parents
    assert [one.parent for one in told] == [*(f"s{seed}" for seed in range(8)), "alone"]
    assert [one.decidable for one in told] == [True] * 8 + [False]
    assert (told[0].controls, told[0].tried) == (7, 8)
    assert told[0].bound == pytest.approx(1 - 0.05 ** (1 / 9))
    assert "0 independent trainings with the vocabulary of alone" in told[-1].reason


def test_the_reason_and_the_smallest_p_value_are_those_of_the_test(library: Library, tmp_path: Path) -> None:
    """A copy of a parent, put to the test."""
    copy = descent(record(tmp_path, "copy", logits_of(3)), library, ["s3", "s4"])[0]
    told = parents_of(library, ["s3", "s4"])[0]
    assert copy.decision == "shared_ancestry"
    assert copy.effect == pytest.approx(1)
    assert copy.p_value is not None
    assert told.smallest_p == pytest.approx(2 * copy.p_value, rel=0.01)
    candidate = record(tmp_path, "child", logits_of(9, 50), "cd" * 32)
    [alone] = parents_of(library, ["alone"])
    assert descent(candidate, library, ["alone"])[0].reason == alone.reason


def test_rates_are_those_of_fresh_candidates(library: Library, chances: list[DescentChances], tmp_path: Path) -> None:
    """On 8 canaries some of the fresh descendants are recalled and some not; of fresh strangers nobody is accused."""
    parents, rng = [f"s{seed}" for seed in range(8)], np.random.default_rng(0)
    recalled, accused = [], []
    for number in range(5):
        candidates = (logits_of(200 + number, number, DRIFT), logits_of(300 + number))
        shown = rng.permutation(CANARIES)[:8]
        for logits, hits in zip(candidates, (recalled, accused), strict=True):
            made = record(tmp_path, f"c{number}-{len(hits)}-{logits is candidates[1]}", logits, keep=shown)
            hits.append(any(one.decision == "shared_ancestry" for one in descent(made, library, parents)))
    first = chances[0]
    assert first.budget == 8
    assert first.recalled is not None
    assert first.accused is not None
    assert (first.recalled.n, first.accused.n) == (8, 9)
    assert 0 < first.recalled.value < 1, "a chance that is none tells nothing"
    assert first.recalled.low - 0.2 <= np.mean(recalled)  # held out, the null knows fewer lineages
    assert first.accused.value == np.mean(accused) == 0
    assert chances[-1].recalled is not None
    assert chances[-1].recalled.value == 1


def test_a_library_too_small_decides_at_no_budget(tmp_path: Path) -> None:
    asked = asked_of(write_trainings(tmp_path, 3))
    found = chances_of(asked)
    assert not any(one.possible for one in found)
    said = descent_advice(asked, found, other_ways(asked, columns_of(asked, []), 0.01))
    assert said.startswith("no budget makes this decidable: the library has fewer than 5 independent trainings")


def test_an_alpha_that_no_copy_reaches_is_said_beforehand(library: Library) -> None:
    [first] = parents_of(library, ["s0"], budget=8, alpha=1e-12)
    assert not first.decidable
    assert "even a copy would have p = " in first.reason
    assert "9 independent trainings" in first.reason


def test_no_accusation_rests_on_one_answer(library: Library) -> None:
    asked = asked_of(library, budget=1)
    found = chances_of(asked, ("s0",))
    assert [one.possible for one in found[:2]] == [False, True]
    assert "1 canary can't decide: the test takes at least 2" in descent_advice(asked, found, {})


@pytest.mark.parametrize("tier", ["topk", "text"])
def test_a_tier_that_shows_too_little_names_the_one_that_would(library: Library, tier: str) -> None:
    asked = asked_of(library, tier)
    found = chances_of(asked)
    assert not any(one.possible for one in found)
    others = other_ways(asked, columns_of(asked, []), 0.01)
    assert others["chosen"]
    assert "tier=chosen would, with this library" in descent_advice(asked, found, others)
    alone = other_ways(asked, columns_of(asked, ["alone"]), 0.01)
    assert "nor would " in descent_advice(asked, chances_of(asked, ("alone",)), alone)


def test_advice_and_tables(library: Library, chances: list[DescentChances]) -> None:
    said = descent_advice(asked_of(library), chances, {})
    assert "at 32 canaries (32 queries, about " in said
    assert "8 of 9 parents can be decided, and 100% [68, 100] of true descendants are recalled (8 lineages)" in said
    assert "16 is the smallest budget at which at least 90% of true descendants are recalled" in said
    assert [row[0] for row in descent_table(chances)] == ["budget", "8", "16", "32"]
    assert len(parents_table(chances[-1])) == 1 + 9 <= 1 + LISTED


def test_named_tokens_cost_queries(library: Library) -> None:
    """117 tokens are one query of 128."""
    assert asked_of(library, "chosen").cost(16).queries == 16
    assert asked_of(library, "chosen").cost(16).completion_tokens == 16


def test_a_parent_that_is_no_reference_is_refused(library: Library) -> None:
    with pytest.raises(LibraryError, match=r"no base, lookalike or sibling 's0-child'.* parents may be alone, s0"):
        chances_of(asked_of(library), ("s0-child",))
