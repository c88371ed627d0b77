"""Model Equality Testing: its estimate by hand, its p-values under the null, its power."""

import numpy as np
import pytest
from scipy.stats import kstest

from analysis.baselines.equality_testing import EqualityTesting, discrepancy, hamming_kernel, p_value


def sampled(model, name, generator, share, canaries=12, draws=6):
    """A model that says `a` with a probability, at each of three places."""
    return model(name, [["".join(np.where(generator.random(3) < share, "a", "b")) for _ in range(draws)]
                        for _ in range(canaries)])  # fmt: skip


def test_a_worked_example(model):
    # Kernel of two places: ab and ab 1, ab and aa 1/2, aa and bb 0. One says ab, ab; the other aa, bb.
    # Within one 1, within the other 0, across 1/2: 1 + 0 - 2 1/2 = 0. Against cc, cc: 1 + 1 - 0 = 2.
    one, other, third = (model(n, [t]) for n, t in (("1", ["ab", "ab"]), ("2", ["aa", "bb"]), ("3", ["cc", "cc"])))
    scores = EqualityTesting(2).scores([one], [one, other, third])
    np.testing.assert_allclose(scores, [[0, 0, -2]], atol=1e-12)


def test_texts_that_have_ended_are_alike_from_there_on():
    np.testing.assert_allclose(hamming_kernel(["ab", "a", ""], 4), [[1, 0.75, 0.5], [0.75, 1, 0.75], [0.5, 0.75, 1]])


def test_scores_are_minus_the_mean_of_the_estimates_of_all_canaries(model):
    generator = np.random.default_rng(0)
    one, other = (sampled(model, name, generator, share, 3) for name, share in (("one", 0.3), ("other", 0.6)))
    estimates = []
    for a, b in zip(one.samples, other.samples, strict=True):
        texts = [*a.elements(), *b.elements()]
        estimates.append(discrepancy(hamming_kernel(texts, 50), np.arange(len(texts))[None] < 6)[0])
    assert EqualityTesting(50).scores([one], [other])[0, 0] == pytest.approx(-np.mean(estimates))


def test_p_values_are_uniform_where_the_models_are_the_same(model):
    generator = np.random.default_rng(1)
    values = [
        p_value(*(sampled(model, name, generator, 0.4) for name in "ab"), permutations=99, seed=seed)
        for seed in range(200)
    ]
    assert kstest(values, "uniform").pvalue > 0.01
    assert 0.02 <= np.mean(np.array(values) <= 0.05) <= 0.09


def test_p_values_are_small_where_they_are_not(model):
    generator = np.random.default_rng(2)
    one, other = sampled(model, "one", generator, 0.4, 24), sampled(model, "other", generator, 0.7, 24)
    assert p_value(one, other, permutations=199) <= 0.01


def test_single_samples_and_samples_of_another_kind_are_no_evidence(model):
    one, single = model("one", [["a", "b"]]), model("single", [["a"]])
    tokens = model("tokens", [["a", "b"]], sampled="first_tokens")
    assert np.isnan(EqualityTesting().scores([one], [single, tokens])).all()
    with pytest.raises(ValueError, match="two samples"):
        p_value(one, single)
