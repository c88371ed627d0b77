"""Channels that read text alone: 1 for the same model however few its answers, less for others."""

import doctest
from typing import Any

import numpy as np
import pytest

import analysis.channels.first_word
from analysis.channels import all_channels
from analysis.channels.first_word import WIDTH
from analysis.signatures.byte_bins import N_BINS
from analysis.signatures.observation import Access, Observation
from analysis.signatures.unfed import Unfed
from tests.recordings import canary
from tests.signatures import extracted

FIRST, WORDING = all_channels()["first_word"], all_channels()["wording"]


def said(*texts: list[str]) -> Observation:
    """What a model answered, a list a canary."""
    n = len(texts)
    bins, nothing = np.full((n, N_BINS), np.nan, np.float32), np.full(n, np.nan, np.float32)
    canaries = tuple(canary(number) for number in range(n))
    draws, unknown, given = np.zeros(n, np.int64), np.full(n, np.nan), tuple(map(tuple, texts))
    return Observation(
        canaries, Access("text"), bins, nothing, draws, None, None, {}, (None,) * n, unknown, texts=given
    )


def similar(channel: Any, one: list[str], other: list[str]) -> float:
    [value] = channel.similarity(*(extracted(channel.name, said(text)) for text in (one, other)))
    return float(value)


def test_the_examples_in_the_documentation() -> None:
    assert doctest.testmod(analysis.channels.first_word) == doctest.TestResults(0, 1)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (["Sure! Here"], [" Sure, of course"], 1),
        (["Sure"], ["sure"], 0),
        (["**No**"], ["** Yes"], 1),
        (["中文 好"], ["中文，好"], 1),
        (["a", "b"], ["c", "d"], 0),
    ],
)
def test_first_words_are_matched_as_words(one: list[str], other: list[str], expected: float) -> None:
    assert similar(FIRST, one, other) == similar(FIRST, other, one) == expected


def test_the_same_model_is_1_in_expectation_though_answers_are_few() -> None:
    source = np.random.default_rng(0)
    truth = np.array([0.5, 0.3, 0.2])
    drawn = [[list(source.choice(list("abc"), size=n, p=truth)) for _ in range(3000)] for n in (8, 20)]
    values = FIRST.similarity(*(extracted("first_word", said(*texts)) for texts in drawn))
    assert values.mean() == pytest.approx(1, abs=0.02)


def test_no_answer_is_not_known_and_no_answer_at_all_is_no_channel() -> None:
    arrays = extracted("first_word", said(["a"], []))
    np.testing.assert_array_equal(FIRST.similarity(arrays, arrays), [1, np.nan])
    assert isinstance(FIRST.extract(said([], [])), Unfed)
    assert isinstance(WORDING.extract(said([], [])), Unfed)


def test_of_many_words_the_commonest_are_compared() -> None:
    many = [f"w{number}" for number in range(2 * WIDTH)]
    arrays = extracted("first_word", said(["x", "x", *many]))
    assert arrays["words"].shape == (1, WIDTH)
    assert arrays["share"][0, 0] == pytest.approx(2 / (2 * WIDTH + 2))


def test_wording_is_overlap_of_letters_and_not_of_length() -> None:
    tea = "The tea is brewed in the old kitchen every morning at seven."
    assert similar(WORDING, [tea], [tea.upper() + " "]) == pytest.approx(1, abs=2e-3)
    near = "The tea is brewed in the new kitchen each evening."
    far = "Quantum fields obey local gauge invariance, mostly."
    assert similar(WORDING, [tea], [far]) < 0.3 < similar(WORDING, [tea], [near]) < 0.95
    long = tea * 10
    assert similar(WORDING, [long], [long + far]) == pytest.approx(1, abs=2e-3)


def test_single_words_have_no_wording() -> None:
    assert isinstance(WORDING.extract(said(["yes"], ["no "])), Unfed)
