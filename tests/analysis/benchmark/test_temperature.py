"""Evidence about families: sharper where pairs say too little, never blunter, and not by a shared tokenizer."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.benchmark.rare_cases import Layout
from analysis.benchmark.temperature import tempered
from analysis.benchmark.whose import Whose
from analysis.kinship.beside_rivals import Rivals
from analysis.kinship.fitted import LinearKinship

FAMILIES, LINEAGES = 4, 3
CHANNELS, TOKENIZER = 2, 1


def _world(kin: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Whose]:
    """Four families of three seeds and a descendant each: how alike answers are (`kin` for a base and its own
    descendant, half of it within a family, noise between families), and whether tokenizers are."""
    source = np.random.default_rng(seed)
    family = np.repeat(np.arange(FAMILIES), 2 * LINEAGES)
    lineage = np.repeat(np.arange(FAMILIES * LINEAGES), 2)
    candidates = np.tile([False, True], FAMILIES * LINEAGES)
    references = np.flatnonzero(~candidates)
    same, own = family[:, None] == family[references], lineage[:, None] == lineage[references]
    alike = np.where(own, kin, np.where(same, kin / 2, 0.0)) + source.normal(0, 0.05, same.shape)
    features = np.stack([alike, same.astype(float)], axis=-1).astype(np.float32)
    training = np.arange(len(family))[:, None] != references
    families, lineages = [str(one) for one in range(FAMILIES)], [str(one) for one in lineage]
    rivals = Rivals.of([lineages[place] for place in references], family[references].tolist(), [None] * len(references))
    whose = Whose(families, family, family[references], lineages, candidates, own, references, rivals)
    return features, training, whose


def _kinship(slopes: tuple[float, float], intercept: float) -> LinearKinship:
    return LinearKinship(np.array(slopes), intercept)


def _scale(features: np.ndarray, training: np.ndarray, whose: Whose, kinship: LinearKinship) -> float:
    found = tempered(kinship, features, training, whose, Layout(CHANNELS, TOKENIZER))
    np.testing.assert_allclose(found.slopes / found.intercept, kinship.slopes / kinship.intercept)
    return float(found.intercept / kinship.intercept)


def test_ratios_that_say_too_little_are_sharpened() -> None:
    features, training, whose = _world(kin=1.0)
    assert _scale(features, training, whose, _kinship((6.0, 1.0), -3.5)) > 1.2


def test_ratios_are_never_blunted() -> None:
    features, training, whose = _world(kin=1.0)
    assert _scale(features, training, whose, _kinship((300.0, 200.0), -250.0)) == pytest.approx(1, abs=2e-3)


def test_a_tokenizer_alone_is_not_sharpened_into_proof() -> None:
    """Kin answer no more alike than strangers do, so that only the tokenizer tells them apart, in the library."""
    features, training, whose = _world(kin=0.0)
    timid = _kinship((0.1, 8.0), -4.0)
    apart = _world(kin=1.0)
    assert _scale(features, training, whose, timid) < _scale(*apart, _kinship((8.0, 0.1), -4.0))
    scale = _scale(features, training, whose, timid)
    evidence = scale * (8.0 - 4.0)
    assert 1 / (1 + FAMILIES * np.exp(-evidence)) < 0.97


def test_pairs_that_may_not_be_looked_at_change_nothing() -> None:
    features, training, whose = _world(kin=1.0)
    shown = training & (whose.rows != 3)[:, None] & (whose.columns != 3)
    kinship = _kinship((6.0, 1.0), -3.5)
    before = _scale(features, shown, whose, kinship)
    features[~shown] = 17.0
    assert _scale(features, shown, whose, kinship) == pytest.approx(before)


def test_without_known_candidates_there_is_nothing_to_fit() -> None:
    features, training, whose = _world(kin=1.0)
    nobody = replace(whose, candidates=np.zeros_like(whose.candidates))
    assert _scale(features, training, nobody, _kinship((6.0, 1.0), -3.5)) == 1
