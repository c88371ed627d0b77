"""Surprisal: bits per byte whatever the tokens, and what is left of them when difficulty and skill are out."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.channels import pair_channels
from analysis.channels.surprisal import bits_per_byte, residual

SURPRISAL = pair_channels()["surprisal"]
LN2 = math.log(2)


def profile(bits: np.ndarray) -> dict[str, np.ndarray]:
    return {"bits_per_byte": bits, "digest": np.arange(len(bits), dtype=np.int64)}


def test_bits_are_counted_over_the_bytes_that_have_a_number() -> None:
    assert bits_per_byte([math.nan, -8 * LN2, -4 * LN2], [b"The", b" sea", b" is"]) == pytest.approx(12 / 7)
    assert bits_per_byte([math.nan, -8 * LN2, -1.0], ["é".encode(), "éé".encode(), b""]) == pytest.approx(2)
    assert math.isnan(bits_per_byte([math.nan], [b"x"]))


@given(st.integers(2, 6), st.integers(2, 12), st.integers(0, 2**32))
def test_difficulty_of_texts_and_skill_of_models_change_nothing(models: int, texts: int, seed: int) -> None:
    source = np.random.default_rng(seed)
    table = source.normal(size=(models, texts))
    shifted = table + 100 * source.normal(size=(1, texts)) + 100 * source.normal(size=(models, 1))
    np.testing.assert_allclose(residual(shifted), residual(table), atol=1e-9)
    np.testing.assert_allclose(residual(table).sum(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(residual(table).sum(axis=1), 0, atol=1e-9)


def test_kin_are_surprised_by_the_same_texts() -> None:
    source = np.random.default_rng(0)
    difficulty, own = source.normal(size=60) * 3, source.normal(size=(4, 60))
    models = [profile(difficulty + taste) for taste in own]
    child = profile(difficulty + own[0] + 0.3 * source.normal(size=60) - 0.5)
    true, false = SURPRISAL.compare(child, models[0], models[1:]), SURPRISAL.compare(child, models[1], models[2:])
    assert true["correlation"] > 0.8
    assert true["correlation"] > true["correlation with strangers"] + 0.5
    assert false["correlation"] < 0.3
    assert true["texts"] == 60


def test_texts_are_matched_and_too_few_say_nothing() -> None:
    source = np.random.default_rng(1)
    bits = source.normal(size=(3, 20))
    ours, theirs, other = (profile(row) for row in bits)
    order = source.permutation(20)
    shuffled: dict[str, Any] = {key: value[order] for key, value in theirs.items()}
    assert SURPRISAL.compare(ours, shuffled, [other]) == SURPRISAL.compare(ours, theirs, [other])
    assert SURPRISAL.compare(ours, {**theirs, "digest": theirs["digest"] + 15}, [other]) == {}
    assert SURPRISAL.compare(ours, theirs, []) == {}
