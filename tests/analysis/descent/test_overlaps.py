"""Overlaps on any rows are those that the rows themselves give."""

import numpy as np

from analysis.descent.overlaps import Overlaps
from analysis.descent.spaces import by_chance, explained, reference_space, rows_space
from tests.output_spaces import descendant, stranger


def test_the_same_numbers_as_from_the_rows_themselves() -> None:
    parent, other = stranger(0), stranger(1)
    logits = descendant(parent).logits[:80, :300].astype(np.float32)
    logits[3, 5] = np.nan
    spaces = [reference_space(one.logits[:, :300]) for one in (parent, other)]
    overlaps = Overlaps.of(logits, [spaces[0], None, spaces[1]])
    for canaries in (np.arange(8), np.arange(70)[::-1], np.array([3, 7, 9])):
        shown = logits[canaries[np.isfinite(logits[canaries]).all(axis=1)]]
        plain, chance = overlaps(canaries)
        assert np.isnan(plain[1])
        if len(shown) < 3:
            assert np.isnan(plain).all()
            continue
        for place, space in zip((0, 2), spaces, strict=True):
            rows = rows_space(shown, len(space))
            assert abs(plain[place] - explained(rows, space)) < 1e-4
            assert chance[place] == by_chance(len(rows), len(space), 300)
