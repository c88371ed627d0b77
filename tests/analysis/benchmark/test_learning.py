"""What pairs teach: kin are those who share weights or a teacher, and two seeds of one recipe teach nothing."""

import numpy as np
import pytest

from analysis.benchmark.learning import PairLearner
from analysis.benchmark.rare_cases import Layout
from analysis.benchmark.whose import Whose
from analysis.kinship.beside_rivals import Rivals

FAMILIES, SEEDS = 4, 3
CHANNELS, TOKENIZER = 2, 1


@pytest.fixture
def whose() -> Whose:
    """Four families of three seeds, each with a descendant; the seeds are the references."""
    family = np.repeat(np.arange(FAMILIES), 2 * SEEDS)
    lineage = np.repeat(np.arange(FAMILIES * SEEDS), 2)
    candidates = np.tile([False, True], FAMILIES * SEEDS)
    references = np.flatnonzero(~candidates)
    names = [str(one) for one in range(FAMILIES)]
    related = lineage[:, None] == lineage[references]
    lineages = [str(one) for one in lineage]
    rivals = Rivals.of([lineages[place] for place in references], family[references].tolist(), [None] * len(references))
    return Whose(names, family, family[references], lineages, candidates, related, references, rivals)


def _drawn(whose: Whose, other_seeds: float) -> np.ndarray:
    """Answers as alike as noise allows for a seed and its descendant, as `other_seeds` within a family, else not."""
    noise = np.random.default_rng(0).normal(0, 0.05, whose.same.shape)
    alike = np.where(whose.kin, 1.0, np.where(whose.same, other_seeds, 0.0)) + noise
    return np.stack([alike, whose.same.astype(float)], axis=-1).astype(np.float32)[None]


@pytest.mark.parametrize("tokenizer", [TOKENIZER, None])
def test_how_alike_two_seeds_of_one_recipe_are_changes_nothing_that_pairs_teach(
    whose: Whose, tokenizer: int | None
) -> None:
    everybody = np.ones(whose.same.shape, dtype=bool)
    learner = PairLearner(whose, Layout(CHANNELS, tokenizer))
    near, far = (learner.fit(_drawn(whose, alike), everybody) for alike in (0.9, 0.1))
    assert near.slopes[0] > 0
    # how sharp the evidence is may differ: that is one number for all coefficients
    np.testing.assert_allclose(near.slopes / near.intercept, far.slopes / far.intercept)


def test_without_kin_or_without_strangers_there_is_nothing_to_learn(whose: Whose) -> None:
    learner = PairLearner(whose, Layout(CHANNELS, TOKENIZER))
    everybody = np.ones(whose.same.shape, dtype=bool)
    assert learner.can_learn(everybody)
    assert not learner.can_learn(whose.same)
    assert not learner.can_learn(everybody & ~whose.kin)
