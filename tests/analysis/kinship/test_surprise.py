"""What is computed in blocks, over plain numbers beside few gaps, is what the formulas say pair by pair."""

import numpy as np
import numpy.typing as npt
import pytest

from analysis.kinship.canary_weights import PairMoments
from analysis.kinship.chosen_canaries import PairSample
from analysis.kinship.selection import choose_canaries
from analysis.kinship.similarities import Tensor, similarities
from analysis.kinship.surprise import surprise_features
from analysis.kinship.typicality import Typicality
from tests.word_models import WordLibrary, word_library

FLOOR = 0.5 / 4  # of four families
Values = npt.NDArray[np.float64]


class Made:
    """Two channels of ten models of four families, two of them the same weights, with answers that are not known."""

    def __init__(self) -> None:
        library = word_library([4, 3, 2, 1])
        words = library.words.copy()
        words[2, :7] = words[8, 5:20] = -1
        words[1] = words[0]
        signatures = WordLibrary(words, library.lineage).signatures
        one = similarities(signatures, signatures, ["first_word"])[0]
        other = np.where(np.isnan(one), np.nan, 0.3 + 0.5 * one)
        other[:, :, 100:] = np.nan  # nobody feeds the second channel there
        self.tensor: Tensor = np.stack([one, other]).astype(np.float32)
        self.families = np.array([0, 0, 0, 0, 2, 2, 2, 1, 1, 3])  # and not in the order that models stand in
        self.weights = np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8])

    def learned(self) -> Typicality:
        """From all but the fourth model."""
        return Typicality.of(self.tensor.copy(), self.families, self.weights).without([3])

    def typicality(self) -> Values:
        """The same, model by model: [n_channels, n, n_canaries]."""
        there = np.arange(10) != 3
        typical = np.zeros(self.tensor[:, 0].shape)
        for model in range(10):
            means = []
            for family in range(4):
                others = there & (self.families == family) & (self.weights != self.weights[model])
                known = ~np.isnan(self.tensor[:, model, others])
                total = np.nansum(self.tensor[:, model, others], axis=1, dtype=float)
                means.append(np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan))
            heard = np.maximum((~np.isnan(means)).sum(axis=0), 1)
            typical[:, model] = np.clip(np.nansum(means, axis=0) / heard, 0, 1)
        return typical

    def terms(self, one: int, other: int) -> Values:
        """What canaries add to a pair: [n_channels, n_canaries], NaN unknown."""
        typical = self.typicality()[:, [one, other]].mean(axis=1)
        found: Values = (self.tensor[:, one, other] - typical) * -np.log(FLOOR + (1 - FLOOR) * typical)
        return found


@pytest.fixture(scope="module")
def made() -> Made:
    return Made()


def test_typicality_is_the_mean_over_families_of_other_weights(made: Made) -> None:
    np.testing.assert_allclose(made.learned()(), made.typicality(), atol=1e-6)


def test_features_are_those_of_each_pair_by_itself(made: Made) -> None:
    source = np.random.default_rng(0)
    subsets = (source.random((120, 3)) < 0.4).astype(np.float32)
    weights = source.random((2, 120)).astype(np.float32)
    found = surprise_features(made.learned(), np.array([3, 8]), subsets, weights)
    there = np.array([0, 1, 2, 4, 5, 6, 7, 8, 9])
    shares = np.array([1 / (made.families[there] == family).sum() for family in made.families[there]])
    shares /= shares.sum()
    for row, model in enumerate((3, 8)):
        terms = np.stack([made.terms(model, other) for other in there], axis=1)
        known = ~np.isnan(terms)
        for subset, chosen in enumerate(subsets.T):
            means = [
                np.nansum(terms * weight * chosen, axis=2) / np.maximum((known * weight * chosen).sum(axis=2), 1e-6)
                for weight in (np.ones((2, 1, 1)), weights[:, None])
            ]
            usual = [mean @ shares for mean in means]
            spread = [
                np.sqrt(((mean - level[:, None]) ** 2) @ shares) for mean, level in zip(means, usual, strict=True)
            ]
            relative = [(m - u[:, None]) / s[:, None] for m, u, s in zip(means, usual, spread, strict=True)]
            expected = np.concatenate([means[0], *relative]).T
            np.testing.assert_allclose(found[subset, row, there], expected, atol=2e-4)
    assert not found[:, :, 3].any()


def test_moments_of_two_families_are_those_of_all_their_pairs(made: Made) -> None:
    moments = PairMoments.of(made.learned())
    pairs = [
        (one, other)
        for one in range(10)
        for other in range(one)
        if made.weights[one] != made.weights[other] and 3 not in (one, other)
    ]
    assert {(0, 0), (0, 1), (1, 1), (2, 2), (1, 3)} <= set(
        zip(moments.one.tolist(), moments.other.tolist(), strict=True)
    )
    for place, families in enumerate(zip(moments.one.tolist(), moments.other.tolist(), strict=True)):
        terms = np.stack([made.terms(*pair) for pair in pairs if sorted(made.families[list(pair)]) == sorted(families)])
        number = np.maximum((~np.isnan(terms)).sum(axis=0), 1)
        np.testing.assert_allclose(moments.mean[:, place], np.nansum(terms, axis=0) / number, atol=1e-5)
        np.testing.assert_allclose(moments.square[:, place], np.nansum(terms**2, axis=0) / number, atol=1e-5)


def test_weights_without_a_family_are_those_of_the_pairs_of_others(made: Made) -> None:
    moments = PairMoments.of(made.learned())
    rest = (moments.one != 2) & (moments.other != 2)
    alone = PairMoments(moments.mean[:, rest], moments.square[:, rest], moments.one[rest], moments.other[rest])
    np.testing.assert_allclose(moments.weights(2), alone.weights(), rtol=1e-4, atol=1e-6)


def test_canaries_are_chosen_on_what_they_add_to_all_pairs(made: Made) -> None:
    learned, eligible = made.learned(), np.arange(3, 120)
    sample = PairSample(learned, 0)
    PairMoments.of(learned, sample.look)
    pairs = [
        (one, other)
        for one in range(10)
        for other in range(one + 1, 10)
        if made.weights[one] != made.weights[other] and 3 not in (one, other)
    ]
    kin = np.array([made.families[one] == made.families[other] for one, other in pairs])
    terms = np.nan_to_num(np.stack([made.terms(*pair) for pair in pairs], axis=1)[:, :, eligible])
    np.testing.assert_allclose(sample.terms[:, :, eligible], terms, atol=1e-5)
    scale = terms[:, ~kin].sum(axis=2).std(axis=1)
    together = (terms / scale[:, None, None]).sum(axis=0).astype(np.float32)
    expected = eligible[choose_canaries(together, kin, np.ones(len(kin)), 5)]
    assert sample.choose(5, eligible).tolist() == expected.tolist()
