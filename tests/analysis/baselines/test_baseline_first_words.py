"""First words: the Bhattacharyya coefficient by hand."""

import numpy as np
import pytest

from analysis.baselines.first_words import FirstWords


def test_a_worked_example(model):
    # Canary 1: halves of Yes and No against Yes alone, sqrt(1/2); canary 2: the same words, 1.
    one = model("one", [["Yes", "No"], ["Sure"]])
    other = model("other", [["Yes", "Yes"], ["Sure"]])
    assert FirstWords().scores([one], [other])[0, 0] == pytest.approx((0.5**0.5 + 1) / 2)
    assert FirstWords(logarithms=True).scores([one], [other])[0, 0] == pytest.approx(np.log(0.5) / 4)


def test_models_that_share_no_word(model):
    one, other = model("one", [["Yes"]]), model("other", [["No"]])
    assert FirstWords().scores([one], [other])[0, 0] == 0
    assert FirstWords(logarithms=True).scores([one], [other])[0, 0] == pytest.approx(np.log(0.01))


def test_case_counts_unless_it_is_folded(model):
    one, other = model("one", [["Yes"]]), model("other", [["yes"]])
    assert FirstWords().scores([one], [other])[0, 0] == 0
    assert FirstWords(fold_case=True).scores([one], [other])[0, 0] == pytest.approx(1)


@pytest.mark.parametrize("peer", FirstWords().grid())
def test_canaries_without_an_answer_do_not_count(model, peer):
    one, other = model("one", [["Yes"], []]), model("other", [["Yes"], ["No"]])
    assert peer.scores([one], [other])[0, 0] == pytest.approx(0 if peer.logarithms else 1)
    assert np.isnan(peer.scores([model("silent", [[], []])], [other])[0, 0])
