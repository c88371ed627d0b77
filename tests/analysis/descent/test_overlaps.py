"""Overlaps on any rows are those that the rows themselves give."""

import numpy as np
import pytest

from analysis.descent.overlaps import ROWS, Overlaps
from analysis.descent.spaces import by_chance, explained, space_of
from tests.output_spaces import SIZE, descendant, stranger


def test_the_same_numbers_as_from_the_rows_themselves() -> None:
    parent, other = stranger(0), stranger(1)
    logits = descendant(parent).logits[:80, :300].astype(np.float32)
    logits[3, 5] = np.nan
    spaces = [space_of(one.logits[:, :300]) for one in (parent, other)]
    overlaps = Overlaps.of(logits, [spaces[0], None, spaces[1]])
    for canaries in (np.arange(8), np.arange(70)[::-1], np.array([3, 7]), np.array([3])):
        shown = logits[canaries[np.isfinite(logits[canaries]).all(axis=1)]]
        plain, chance = overlaps(canaries)
        assert np.isnan(plain[1])
        if not len(shown):
            assert np.isnan(plain).all()
            continue
        for place, space in zip((0, 2), spaces, strict=True):
            parts = np.array_split(shown, max(len(shown) // ROWS, 1))
            expected = np.mean([explained(space_of(part) @ space.T) for part in parts])
            assert abs(plain[place] - expected) < 1e-4
            assert chance[place] == by_chance(len(space), 300)


def test_more_answers_spread_less_and_say_the_same() -> None:
    """Of a stranger: a part more changes the mean of the parts no more than chance does."""
    spaces = [space_of(stranger(seed).logits[:, :300]) for seed in range(1, 9)]
    overlaps = Overlaps.of(stranger(0).logits[:, :300].astype(np.float32), spaces)
    few, many = (np.array([overlaps(np.arange(at, at + n))[0] for at in range(0, 32, 8)]) for n in (ROWS, 4 * ROWS))
    assert many.mean() == pytest.approx(few.mean(), abs=0.01)
    assert many.std(axis=0).mean() < 0.8 * few.std(axis=0).mean()


def test_of_a_models_directions_only_so_many_are_looked_at() -> None:
    parent = stranger(0)
    overlaps = Overlaps.of(descendant(parent).logits[:, :300].astype(np.float32), [space_of(parent.logits[:, :300])])
    few, one, all_of_them = (overlaps(np.arange(16), most)[0][0] for most in (2, 1, SIZE))
    assert one != few != all_of_them == overlaps(np.arange(16))[0][0]
