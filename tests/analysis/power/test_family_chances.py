"""The chance of a family verdict: every candidate has one outcome, and fresh candidates fare as was foretold."""

from pathlib import Path

import numpy as np
import pytest

from analysis.attribution.attribute import attribute
from analysis.attribution.rules import Rules
from analysis.libraries.library import Library, save_index
from analysis.power.advice import family_advice
from analysis.power.asked import Asked
from analysis.power.family import KNOWN, LEFT_OUT, FamilyChances, family_chances, outcome_of
from analysis.power.tables import family_table
from analysis.signatures.observation import Access
from analysis.signatures.signature import signature
from probes.errors import KinprintError, LibraryError
from tests.made_up_zoo import members, write_zoo
from tests.recordings import make_up, suite_of, write_recording

SIZE = 16
BEHAVIOUR = ("next_token", "greedy", "wording")
RULES = Rules()


def asked_of(library: Library, budget: int | None = None, tier: str = "topk") -> Asked:
    access = {
        "topk": Access("topk", top_k=20),
        "logits": Access("logits"),
        "text": Access("text", draws=4),
        "greedy": Access("text"),
    }[tier]
    return Asked.of(library, suite_of(SIZE), "family", access, budget=budget)


def chances_of(
    library: Library, rules: Rules = RULES, budget: int | None = None, tier: str = "topk"
) -> list[FamilyChances]:
    return family_chances(asked_of(library, budget, tier), rules, lambda what, total: lambda: None)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return write_zoo(tmp_path_factory.mktemp("zoo"), size=SIZE)


@pytest.fixture(scope="module")
def blurred(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Members drift so far that a family is hard to see."""
    return write_zoo(tmp_path_factory.mktemp("blurred"), size=SIZE, drift=3)


@pytest.fixture(scope="module")
def chances(library: Library) -> list[FamilyChances]:
    return chances_of(library)


def test_every_candidate_has_one_outcome_and_lineages_are_counted(chances: list[FamilyChances]) -> None:
    assert [one.budget for one in chances] == [8, 16]
    for one in chances:
        assert set(one.known) == set(KNOWN)
        assert set(one.left_out) == set(LEFT_OUT)
        assert sum(figure.value for figure in one.known.values()) == pytest.approx(1)
        assert sum(figure.value for figure in one.left_out.values()) == pytest.approx(1)
        assert {figure.n for figure in one.known.values()} == {8}  # three bases, four seeds, a student
        assert all(figure.low <= figure.value <= figure.high for figure in one.known.values())


def test_fresh_candidates_fare_as_was_foretold(blurred: Library) -> None:
    """The share of fresh members of the library's families that are named rightly lies in the interval."""
    rules = Rules(BEHAVIOUR, attributed_at=0.6, kinship=None)
    library = blurred.without(families=["star"], techniques=["merge"])
    foretold = chances_of(library, rules, tier="logits")[0].known["right"]
    families, rng, right = sorted({one.family for one in members()}), np.random.default_rng(0), []
    for number in range(12):
        family = (0, 2, 3)[number % 3]
        made = write_recording(blurred.folder / f"fresh-{number}", make_up(family, 100 + number, size=SIZE, drift=3))
        asked = signature(made, wholes=False).take(rng.permutation(SIZE)[:8])
        right.append(attribute(asked, library, rules).family == families[family])
    assert 0.1 < np.mean(right) < 0.9, "a test that neither succeeds nor fails tells nothing"
    assert foretold.low <= np.mean(right) <= foretold.high


def test_more_canaries_and_clearer_families_give_more_verdicts(chances: list[FamilyChances], blurred: Library) -> None:
    vague = chances_of(blurred)[-1]
    assert chances[-1].known["right"].value >= 0.9
    assert vague.known["right"].value < chances[-1].known["right"].value
    assert chances[-1].known["right"].value >= chances[0].known["right"].value


def test_what_is_needed_to_say_so_is_what_attribute_needs(library: Library) -> None:
    """Nobody is named, nor accused, where certainty is asked for."""
    high = chances_of(library, Rules(attributed_at=1.0), budget=8)[0]
    assert high.known["right"].value == 0
    assert high.left_out["accused"].value == 0


@pytest.mark.parametrize(
    ("posterior", "truth", "outcome"),
    [
        ({"a": 0.95, "b": 0.03, "unknown": 0.02}, "a", "right"),
        ({"a": 0.95, "b": 0.03, "unknown": 0.02}, "b", "wrong"),
        ({"a": 0.95, "b": 0.03, "unknown": 0.02}, "unknown", "accused"),
        ({"a": 0.02, "b": 0.03, "unknown": 0.95}, "a", "unknown"),
        ({"a": 0.60, "b": 0.30, "unknown": 0.10}, "a", "inconclusive"),
    ],
)
def test_outcomes(posterior: dict[str, float], truth: str, outcome: str) -> None:
    assert outcome_of(posterior, truth, RULES) == outcome


def test_cost_is_that_of_the_tier(library: Library) -> None:
    suite = suite_of(SIZE)  # 4 draws and 8 tokens each
    mean = np.mean([10 + n % 5 + (n * (f + 1)) % 3 for n in range(SIZE) for f in [0, 2, 1, *[3] * 4]])  # of references
    costs = [asked_of(library, tier=tier).cost(16) for tier in ("topk", "text", "greedy")]
    assert [(one.queries, one.completion_tokens) for one in costs] == [(16, 128), (80, 640), (16, 128)]
    assert costs[0].prompt_tokens == pytest.approx(16 * mean, abs=16)
    assert len(suite) == SIZE


def test_too_few_canaries_or_families_give_no_verdict_and_say_why(tmp_path: Path, library: Library) -> None:
    few = chances_of(library, budget=4)
    assert few[0].budget == 4
    assert not few[0].possible
    assert "fewer than the 8" in few[0].why_not
    assert "4 canaries can't give a verdict" in family_advice(asked_of(library, budget=4), few)
    alone = library.without(families=["sun", "moon", "star"])
    nothing = chances_of(alone)
    assert not any(one.possible for one in nothing)
    assert "no budget makes a family verdict possible" in family_advice(asked_of(alone), nothing)


def test_advice_and_table_say_what_was_found(library: Library, chances: list[FamilyChances]) -> None:
    said = family_advice(asked_of(library), chances)
    right = chances[-1].known["right"]
    assert f"at 16 canaries (16 queries, about {chances[-1].cost.prompt_tokens + 128} tokens)" in said
    assert f"{100 * right.value:.0f}%" in said
    assert "smallest budget" in said
    table = family_table(chances)
    assert {len(row) for row in table} == {13}
    assert table[-1][:2] == ["16", "16"]
    assert table[-1][-2] == "8"


def test_bad_budgets_and_suites_are_refused(tmp_path: Path, library: Library) -> None:
    for budget in (0, SIZE + 1):
        with pytest.raises(KinprintError, match=f"from 1 to {SIZE}"):
            asked_of(library, budget=budget)
    with pytest.raises(LibraryError, match="asked the suite 'tiny'; they were asked 'tiny'"):
        Asked.of(library, suite_of(SIZE, start=500), "family", Access("logits"))
    write_recording(tmp_path / "sun", make_up(0, 1, size=SIZE), "text", name="sun")
    save_index(tmp_path, "made-up", [members()[0]])
    with pytest.raises(LibraryError, match="access as high as tier topk"):
        asked_of(Library.load(tmp_path))
