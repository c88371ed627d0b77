"""Bottom-k overlap, by hand, and on strangers and kin whose logits are made up."""

from pathlib import Path

import numpy as np
import pytest

from analysis.baselines.bottom_k import BottomK

LOOKALIKES = Path(__file__).parents[2] / "data" / "lookalikes.npz"
RNG = np.random.default_rng(0)


@pytest.fixture
def speller(model):
    """Makes a model with logits [n_canaries, n_tokens] of tokens that are spelled, or numbered in one vocabulary."""

    def make(name, logits, tokens=None, vocabulary=7):
        logits = np.asarray(logits, np.float32)
        ids = np.arange(1, logits.shape[1] + 1)
        spelled = np.zeros(len(ids), np.uint64) if tokens is None else np.array(tokens, np.uint64)
        names = {"tokens": spelled, "ids": ids, "vocabulary": np.array([vocabulary], np.uint64)}
        return model(name, [["x"]] * len(logits), logits=logits, tokens=names)

    return make


def test_a_worked_example(speller):
    # 16 tokens, k = 4 (chance 1/4): the least likely are 0 to 3 and 2 to 5, 2 of 4 in common: (1/2 - 1/4) / (3/4).
    one, other = np.arange(16.0), np.roll(np.arange(16.0), 2)
    other[:2] = 20
    scores = BottomK(4).scores([speller("one", [one])], [speller("other", [other]), speller("same", [one + 3])])
    np.testing.assert_allclose(scores, [[1 / 3, 1]], rtol=1e-6)


def test_strangers_are_at_chance_and_kin_are_not(speller):
    base, stranger = RNG.normal(size=(2, 40, 256))
    kin = base + 0.3 * RNG.normal(size=base.shape)
    scores = BottomK().scores([speller("base", base)], [speller("stranger", stranger), speller("kin", kin)])
    assert abs(scores[0, 0]) < 0.03
    assert scores[0, 1] > 0.5


def test_tokens_are_matched_by_spelling_across_vocabularies(speller):
    logits = RNG.normal(size=(4, 32))
    order = RNG.permutation(32)
    names = np.arange(100, 132)
    one = speller("one", logits, names)
    shuffled = speller("other", logits[:, order], names[order], vocabulary=8)
    foreign = speller("foreign", logits, names + 100, vocabulary=9)
    np.testing.assert_allclose(BottomK().scores([one], [shuffled]), 1)
    assert np.isnan(BottomK().scores([one], [foreign])).all()


def test_rows_and_tokens_without_a_logit_do_not_count(speller):
    logits = RNG.normal(size=(3, 32))
    gap, padded = logits.copy(), logits.copy()
    gap[1], padded[:, 5] = np.nan, -np.inf
    scores = BottomK().scores([speller("one", logits)], [speller("gap", gap), speller("padded", padded)])
    np.testing.assert_allclose(scores, 1)


def test_no_logits_are_no_evidence(model, speller):
    assert np.isnan(BottomK().scores([model("text", [["x"]])], [speller("one", RNG.normal(size=(1, 32)))])).all()


def test_it_tells_the_parent_from_really_trained_strangers(speller):
    # Light and heavy fine-tunes of two seeds, beside three seeds of one recipe (see test_lookalikes.py).
    spaces = dict(np.load(LOOKALIKES))
    a, b, c, *children = (
        speller(name, spaces[f"{name}.hidden"].astype(np.float32) @ spaces[f"{name}.output"].astype(np.float32).T)
        for name in ("a", "b", "c", "a-light", "a-heavy", "b-light", "b-heavy")
    )
    assert BottomK().scores(children, [a, b, c]).argmax(axis=1).tolist() == [0, 0, 1, 1]
