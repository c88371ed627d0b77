"""Probing for a family: nothing is asked twice, made-up truth is found soon, and strangers are not accused."""

import numpy as np
import pytest

from analysis.attribution.rules import Rules
from analysis.benchmark.compared import Compared, usual
from analysis.benchmark.specimens import Seen, specimens_of
from analysis.channels.tokenizer import CHANNEL
from analysis.sequential.boundary import passed_at
from analysis.sequential.family import FamilySteps, most_informative
from analysis.sequential.family_figures import costs, median, ready_at, saved
from analysis.sequential.family_replay import FamilyPaths, FamilyReplay, How, evidence_of
from analysis.sequential.simulation import false_decisions
from analysis.signatures.observation import Access
from tests.made_up_zoo import write_zoo

CHANNELS = ("next_token", "greedy", "wording", "tokenizer")
HOW = How(most=12)


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> FamilyReplay:
    seen = Seen.at(Access("logits"), specimens_of([write_zoo(tmp_path_factory.mktemp("zoo"))]))
    compared = Compared.of(seen.signatures, seen.recorded, CHANNELS)
    return FamilyReplay(seen.candidates, seen.references, compared, HOW)


def shown(replay: FamilyReplay, model: int, asked: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """What a model's answers show, as a replay tells it."""
    teacher = replay.teacher
    usual = teacher.rivals.usual(teacher.different, frozenset())
    standing = teacher.rivals.standing(usual, model, asked, frozenset())
    return teacher.compared.on(model, slice(None), asked), standing


@pytest.fixture(scope="module")
def paths(replay: FamilyReplay) -> FamilyPaths:
    return replay.run()


def test_descendants_are_named_soon_and_strangers_never(replay: FamilyReplay) -> None:
    """By their answers: the made-up zoo has few strangers who share a tokenizer."""
    replay = FamilyReplay(replay.models, replay.references, replay.teacher.compared.but_tokenizer(), HOW)
    paths = replay.run()
    spent = costs(paths, 0.05, Rules())
    assert median(spent.family) == 6
    ready, wrong = ready_at(paths.wrong, 0.9), evidence_of(paths.wrong)
    judged = [(place, paths.boundaries(paths.lineages[place]).family) for place in wrong]
    assert [passed_at(one, wrong[place], 0.05, ready[place]) for place, one in judged] == [None] * len(replay.models)
    assert false_decisions(wrong, paths.lineages, paths.judge("family"), 0.01, ready, 100) == 0


@pytest.mark.parametrize("order", ["informative", "random"])
def test_steps_and_replays_are_the_same_and_nothing_is_asked_twice(replay: FamilyReplay, order: str) -> None:
    learned = replay.learned()
    assert learned is not None
    steps = FamilySteps(learned, order, seed=3)  # type: ignore[arg-type]
    while batch := steps.next_batch(5):
        steps.tell(batch, *shown(replay, 3, [*steps.asked, *batch]))
    assert sorted(steps.asked) == list(range(24))
    assert steps.looks == [10, 15, 20, 24]
    again = FamilySteps(learned, order, seed=3)  # type: ignore[arg-type]
    for start in range(0, 24, 5):
        again.tell(steps.asked[start : start + 5], *shown(replay, 3, steps.asked[: start + 5]))
    np.testing.assert_array_equal(again.log_odds, steps.log_odds)


def test_how_surely_known_a_model_is_does_not_count_towards_unknown(replay: FamilyReplay) -> None:
    learned = replay.learned()
    assert learned is not None
    steps = FamilySteps(learned)
    steps.tell(list(range(8)), *shown(replay, 1, list(range(8))))
    prior = learned.rules.unknown_prior
    assert steps.log_odds[0][-1] < np.log(prior / (1 - prior))
    assert steps.evidence[0][-1] == pytest.approx(np.log(prior / (1 - prior)))


def test_answers_that_are_missing_move_nothing(replay: FamilyReplay) -> None:
    learned = replay.learned()
    assert learned is not None
    answers, standing = shown(replay, 1, list(range(7)))
    steps = FamilySteps(learned)
    steps.tell([0, 1, 2, 3, 4, 5], answers[..., :6], standing)
    before = steps.log_posterior
    answers[..., 6] = np.nan
    steps.tell([6], answers, standing)
    np.testing.assert_allclose(steps.log_posterior, before)
    assert steps.looks == [6, 7]


def test_token_counts_are_compared_up_to_what_the_asked_canaries_say(replay: FamilyReplay) -> None:
    """As the channel does on these canaries alone: a constant that only other canaries show is not known."""
    compared = replay.teacher.compared
    for asked in ([3], [3, 9, 4], list(range(12))):
        rows = compared.differences[2][:, asked]
        for row, found in zip(rows, compared.on(2, slice(None), asked)[3], strict=True):
            none = {"chat": np.zeros(len(asked), dtype=bool)}
            expected = CHANNEL.similarity({**none, "prompt_tokens": row}, {**none, "prompt_tokens": 0 * row})
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(usual(np.array([2.0, np.nan, 1, 1, 2])), [0, np.nan, 1, 1, 0])


def test_what_tells_the_likely_families_apart_is_asked_first() -> None:
    tells = np.zeros((2, 3, 4))
    tells[0, 1, 2] = tells[1, 0, 2] = 1.0  # canary 2 tells the families apart, canary 3 the first from strangers
    tells[0, 2, 3] = 1.0
    free = np.ones(4, dtype=bool)
    assert most_informative(np.array([0.5, 0.5, 0.0]), tells, free, 1) == [2]
    assert most_informative(np.array([0.5, 0.0, 0.5]), tells, free, 1) == [3]
    free[2] = False
    assert most_informative(np.array([0.5, 0.5, 0.0]), tells, free, 3)[0] != 2


def test_what_a_held_out_model_answers_teaches_nothing(replay: FamilyReplay) -> None:
    held_out = frozenset({"sun"})
    training = replay._training(held_out)
    rows = [place for place, one in enumerate(replay.models) if "sun" in one.touches]
    assert not training[rows].any()
    assert not training[:, np.isin(replay.references, rows)].any()


def test_what_choosing_saves_is_of_all_queries_of_models_that_both_asked() -> None:
    figure = saved({0: 6, 1: np.inf, 2: 6}, {0: 12, 1: np.inf, 3: 1}, 24, ["a", "b", "c", "d"])
    assert figure is not None
    assert figure.value == pytest.approx((12 - 6) / (12 + 24))
    assert figure.n == 2
