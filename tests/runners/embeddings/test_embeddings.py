"""Embeddings are computed once, kept without pickle, and put to the right answers."""

from collections import Counter

import numpy as np
import pytest

from analysis.baselines.outputs import Outputs
from analysis.signatures.observation import Access
from probes.errors import KinprintError
from runners.embeddings.answers import with_embeddings
from runners.embeddings.cache import cached


class Encoder:
    """Gives each text its length and its first letter's number; counts what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        return np.array([[len(text), ord(text[0]) if text else 0] for text in texts], np.float32)


def test_a_text_is_computed_once_whoever_asks(tmp_path):
    encoder, path = Encoder(), tmp_path / "kept" / "embeddings.safetensors"
    first = cached(["sea", "lamp", "sea"], path, encoder)
    np.testing.assert_array_equal(first, [[3, 115], [4, 108], [3, 115]])
    np.testing.assert_array_equal(cached(["door", "lamp"], path, encoder), [[4, 100], [4, 108]])
    assert encoder.asked == ["sea", "lamp", "door"]
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_half_a_surrogate_pair_is_a_text_too(tmp_path):
    assert cached(["\ud83d", ""], tmp_path / "kept.safetensors", Encoder()).shape == (2, 2)


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "kept.safetensors"
    path.write_bytes(b"not arrays")
    with pytest.raises(KinprintError, match=r"kept\.safetensors is not a file of embeddings"):
        cached(["sea"], path, Encoder())


def test_each_answer_gets_its_own_and_a_missing_one_none(tmp_path):
    def model(name, *greedy):
        nothing = tuple(Counter() for _ in greedy)
        digests = tuple(map(str, range(len(greedy))))
        return Outputs(name, Access("text"), digests, greedy, (None,) * len(greedy), nothing, "nothing", nothing)

    models = [model("one", "sea", None), model("silent", None, None), model("other", "lamp", "door")]
    one, silent, other = with_embeddings(models, tmp_path / "kept.safetensors", Encoder())
    np.testing.assert_array_equal(one.embeddings, [[3, 115], [np.nan, np.nan]])
    assert np.isnan(silent.embeddings).all()
    assert silent.embeddings.shape == (2, 2)
    np.testing.assert_array_equal(other.embeddings, [[4, 108], [4, 100]])
