"""PhyloLM, against a similarity computed by hand and against properties of Nei's."""

import numpy as np
import pytest

from analysis.baselines.phylolm import PhyloLM


def test_a_worked_example(model):
    # Gene 1: one has A A A B, the other A B B B. Gene 2: both have A alone.
    # Sum p q = (3/4 1/4 + 1/4 3/4) + 1 = 1.375; sum p p = (9/16 + 1/16) + 1 = 1.625, and the same for q.
    one = model("one", [["A", "A", "A", "B"], ["A"] * 4])
    other = model("other", [["A", "B", "B", "B"], ["A"] * 4])
    assert PhyloLM().scores([one], [other])[0, 0] == pytest.approx(1.375 / 1.625)


def test_equal_populations_are_1_and_disjoint_ones_0(model):
    one, other = model("one", [["cat", "dog"], ["sea"]]), model("other", [["fox", "owl"], ["sun"]])
    np.testing.assert_allclose(PhyloLM().scores([one, other], [one, other]), np.eye(2), atol=1e-12)


def test_an_allele_is_the_first_four_characters_whatever_the_tokens(model):
    one, other = model("one", [["there we go"]]), model("other", [["therefore"]])
    assert PhyloLM().scores([one], [other])[0, 0] == pytest.approx(1)
    assert PhyloLM(8).scores([one], [other])[0, 0] == 0


def test_genes_that_one_side_lacks_do_not_count(model):
    one, other = model("one", [["cat"], []]), model("other", [["cat"], ["dog"]])
    assert PhyloLM().scores([one], [other])[0, 0] == pytest.approx(1)
    assert np.isnan(PhyloLM().scores([model("empty", [[], []])], [other])[0, 0])
