"""Character trigrams: a cosine by hand, and who is not named."""

import numpy as np
import pytest

from analysis.baselines.trigrams import Trigrams


def test_a_worked_example(model):
    # References "abcd" (abc, bcd) and "abcx" (abc, bcx): n = 2, idf of abc is 1, of the others 1 + ln(3/2) = w.
    # The candidate "abcd" is the first one; with the second it shares abc: 1 / (1 + w w).
    new, one, other = (model(name, [[name]], sampled="nothing") for name in ("abcd", "abcd", "abcx"))
    scores = Trigrams().scores([new], [one, other])
    weight = 1 + np.log(3 / 2)
    np.testing.assert_allclose(scores, [[1, 1 / (1 + weight**2)]])


def test_answers_to_one_canary_are_compared_or_all_together(model):
    one, turned = model("one", [["apple"], ["river"]]), model("turned", [["river"], ["apple"]])
    whole, by_canary = (Trigrams(setting).scores([one], [one, turned]) for setting in (False, True))
    assert whole[0, 1] > 0.5
    np.testing.assert_allclose(by_canary, [[1, 0]])


def test_sampled_answers_are_read_but_first_tokens_are_not(model):
    known = [model("one", [["apple", "river"]])]
    both = model("both", [["apple", "river"]])
    tokens = model("tokens", [["apple", "river"]], sampled="first_tokens")
    scores = Trigrams().scores([both, tokens], known)[:, 0]
    assert scores[0] == pytest.approx(1)
    assert scores[1] < 0.95


def test_who_writes_like_nobody_known_is_not_named(shipped):
    known = [one for one in shipped["text"] if one.lineage != "gemma3"]
    peer = Trigrams(by_canary=True, damped=True)
    scores = peer.scores(known, known)
    np.fill_diagonal(scores, np.nan)
    lineages = np.array([one.lineage for one in known])
    threshold = peer.threshold(scores, lineages[:, None] == lineages)
    strangers = [one for one in shipped["text"] if one.lineage == "gemma3"]
    assert peer.scores(strangers, known).max() < threshold <= np.nanmax(scores)


def test_silence_is_no_evidence(model):
    spoken, silent = model("spoken", [["apple"]]), model("silent", [[]])
    assert np.isnan(Trigrams().scores([spoken, silent], [silent])).all()
    assert np.isnan(Trigrams().scores([silent], [spoken])).all()
