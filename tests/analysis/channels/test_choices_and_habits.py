"""Choices and habits: what is picked and how answers are dressed, from the words themselves."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from analysis.channels import pair_channels
from analysis.channels.habits import ASKED, HABITS
from analysis.signatures.byte_bins import N_BINS, bin_of
from analysis.signatures.observation import Access, Observation
from analysis.signatures.unfed import Unfed
from probes.canary import Message
from probes.suite import load_suite
from tests.recordings import canary

CHOICES, HABIT = pair_channels()["choices"], pair_channels()["habits"]


def seen(picks: list[bytes | None], texts: list[list[str]] | None = None, kind: str = "choices") -> Any:
    """A recording in which each canary of a kind got one sure answer, or none."""
    bins = np.full((len(picks), N_BINS), np.nan, np.float32)
    for row, pick in enumerate(picks):
        if pick is not None:
            bins[row] = 0
            bins[row, bin_of(pick)] = 1
    n = len(picks)
    asked = tuple(replace(canary(k), kind=kind, text=None, messages=(Message("user", f"{k}?"),)) for k in range(n))
    answers = tuple(map(tuple, texts or [[]] * n))
    none, draws, counts = np.zeros(n, np.float32), np.zeros(n, np.int64), np.full(n, np.nan)
    observed = Observation(
        asked, Access("logits"), bins, none, draws, None, None, {}, (None,) * n, counts, texts=answers
    )
    return SimpleNamespace(observation=observed)


def fed(channel: Any, whole: Any) -> Any:
    found = channel.extract(whole)
    assert not isinstance(found, Unfed), found.reason
    return found


def test_the_same_picks_are_alike_and_a_canary_without_an_answer_is_left_out() -> None:
    ours, theirs = fed(CHOICES, seen([b"7", b"blue", None])), fed(CHOICES, seen([b"7", b"red", b"cat"]))
    assert CHOICES.describe(ours) == {"favourite": 1, "canaries": 2}
    assert CHOICES.compare(ours, ours, []) == {"alike": 1, "same favourite": 1}
    assert CHOICES.compare(ours, theirs, [ours]) == {
        "alike": 0.5, "same favourite": 0.5, "alike (strangers)": 1, "same favourite (strangers)": 1
    }  # fmt: skip


def test_only_choices_count() -> None:
    found = CHOICES.extract(seen([b"7"], kind="prose"))
    assert isinstance(found, Unfed)
    assert "choices" in found.reason


@pytest.mark.parametrize(
    ("answer", "habits"),
    [
        ("I am Qwen, made by Alibaba Cloud.", {"names Alibaba (Qwen)"}),
        ("As ChatGPT, a model of OpenAI, I", {"names OpenAI (ChatGPT)"}),
        ("I’m sorry, but I can’t do that.", {"refuses"}),
        ("Sorry, no.", {"refuses"}),
        ("I can do that.", set()),
        ("抱歉，我无法回答", {"refuses"}),
        ("## Plan\n- one", {"begins with a heading"}),
        ("**Yes**", {"begins with bold"}),
        ("1. Tea", {"begins with a list"}),
        ("Sure! Here", {"begins with Sure, Certainly or Of course"}),
        ("<think>hm</think>", {"thinks aloud"}),
        ("The llamas of the Andes met a claudette.", set()),
        ("", set()),
    ],
)
def test_habits_are_read_from_the_words(answer: str, habits: set[str]) -> None:
    shares = dict(HABIT.describe(fed(HABIT, seen([b"x"], [[answer]]))))
    assert shares.pop("answers") == 1
    assert {habit for habit, share in shares.items() if share == 1} == habits


def test_habits_are_shares_of_the_answers_to_chats() -> None:
    found = fed(HABIT, seen([b"x", b"y"], [["Sure!", "No."], ["Sure, that", "Sure"]]))
    assert HABIT.describe(found) == {"answers": 4, "begins with Sure, Certainly or Of course": 0.75}
    assert HABIT.compare(found, found, [found]) == {}
    assert set(HABITS) > {"refuses", "thinks aloud"}
    assert isinstance(HABIT.extract(seen([b"x"])), Unfed)


def of_kinds(*kinds_and_answers: tuple[str, list[str]]) -> Any:
    """A recording with one chat of each kind."""
    whole = seen([b"x"] * len(kinds_and_answers), [answers for _, answers in kinds_and_answers])
    canaries = zip(whole.observation.canaries, kinds_and_answers, strict=True)
    asked = tuple(replace(one, kind=kind) for one, (kind, _) in canaries)
    return SimpleNamespace(observation=replace(whole.observation, canaries=asked))


def test_who_it_is_is_read_from_the_answers_to_that_question() -> None:
    chat = ("dialogue", ["Search it on Google.", "Sorry, no.", "Sure.", "Sure!"])
    identity = ("identity", ["I am Qwen, made by Alibaba Cloud.", "I am Zephyr."])
    assert HABIT.describe(fed(HABIT, of_kinds(chat)))["names Google (Gemma, Gemini)"] == 0.25
    told = HABIT.describe(fed(HABIT, of_kinds(chat, identity)))
    assert told["names Alibaba (Qwen)"] == 0.5
    assert "names Google (Gemma, Gemini)" not in told
    assert (told["answers"], told["answers (identity)"]) == (6, 2)
    assert told["begins with Sure, Certainly or Of course"] == pytest.approx(2 / 6)


def test_refusals_are_read_from_what_may_be_refused() -> None:
    chat = ("dialogue", ["Tea.", "Sure.", "Yes."])
    refusals = ("refusals", ["I'm sorry, but I can't help with that.", "7, 12, 31."])
    told = HABIT.describe(fed(HABIT, of_kinds(chat, refusals)))
    assert (told["refuses"], told["answers (refusals)"]) == (0.5, 2)
    assert HABIT.describe(fed(HABIT, of_kinds(chat)))["answers"] == 3


def test_shipped_canaries_ask_for_both_kinds() -> None:
    kinds = {canary.kind for canary in load_suite("habits").canaries}
    assert set(ASKED.values()) <= kinds
    assert set(ASKED) < set(HABITS)
