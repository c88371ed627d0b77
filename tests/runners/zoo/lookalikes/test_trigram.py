"""The trigram model against probabilities worked out by hand, and against text whose entropy is known."""

import numpy as np
import pytest

from runners.zoo.lookalikes.trigram import trigram_bits


def test_a_worked_example() -> None:
    training, held_out = np.array([0, 1, 0, 1, 0]), np.array([0, 1, 0])
    # one token: 5 seen, 2 kinds, so p(0) = (3 + 2/2) / 7; after 1: seen 2, 1 kind; after 0 1: seen 2, 1 kind
    alone = (3 + 2 * 0.5) / 7
    after_one = (2 + 1 * alone) / 3
    after_both = (2 + 1 * after_one) / 3
    assert trigram_bits(training, held_out, 2) == pytest.approx(-np.log2(after_both))


def test_probabilities_sum_to_one() -> None:
    generator = np.random.default_rng(0)
    training = generator.integers(0, 5, 200)
    total = sum(2 ** -trigram_bits(training, np.array([2, 3, last]), 5) for last in range(5))
    assert total == pytest.approx(1)


def test_random_tokens_cost_their_entropy() -> None:
    generator = np.random.default_rng(1)
    tokens = generator.integers(0, 4, 60_000)
    assert trigram_bits(tokens[:50_000], tokens[50_000:], 4) / (10_000 - 2) == pytest.approx(2, abs=0.01)


def test_what_repeats_costs_nearly_nothing() -> None:
    tokens = np.tile(np.arange(7), 2_000)
    assert trigram_bits(tokens, tokens[:700], 7) / 698 < 0.01


def test_a_vocabulary_that_numbers_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="64-bit"):
        trigram_bits(np.arange(3), np.arange(3), 3_000_000)
