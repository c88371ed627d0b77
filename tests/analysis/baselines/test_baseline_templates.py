"""Templates in a space of embeddings: distances by hand, and what a template is made of."""

import numpy as np
import pytest

from analysis.baselines.templates import Templates
from probes.errors import LibraryError


@pytest.fixture
def at(model):
    """Makes a model whose answers lie at given points [n_canaries, n_dimensions]."""

    def make(name, points, lineage=""):
        points = np.asarray(points, np.float32)
        return model(name, [["x"]] * len(points), lineage, embeddings=points)

    return make


def test_a_worked_example(at):
    # The template of two configurations at (1, 0) and (0, 1) is (1/2, 1/2); (1, 1) lies in its direction, and
    # 1/2 off in both dimensions. The other template, (-1, 1), is at a right angle, and 2 off in one dimension.
    known = [at("a1", [[1, 0]], "a"), at("a2", [[0, 1]], "a"), at("b", [[-1, 1]], "b")]
    new = [at("new", [[1, 1]])]
    np.testing.assert_allclose(Templates().scores(new, known), [[0, 0, -1]], atol=1e-6)
    np.testing.assert_allclose(Templates(straight=True).scores(new, known), [[-0.25, -0.25, -2]])


def test_answers_to_all_prompts_are_one_trace(at):
    known = [at("a", [[1, 0], [0, 1]]), at("b", [[0, 1], [1, 0]])]
    assert Templates().scores([at("new", [[1, 0], [0, 1]])], known).argmax() == 0


def test_a_model_is_no_part_of_its_own_template(at):
    known = [at("a1", [[1, 0]], "a"), at("a2", [[0, 1]], "a"), at("b", [[1, 0]], "b")]
    scores = Templates().scores(known, known)
    np.testing.assert_allclose(scores[0], [-1, -1, 0], atol=1e-6)
    assert np.isnan(scores[2, 2])


def test_what_all_references_have_in_common_can_be_taken_out(at):
    known = [at("a", [[10, 1]]), at("b", [[10, -1]])]
    new = [at("new", [[10.5, 0.5]])]
    np.testing.assert_allclose(Templates(centred=True).scores(new, known), [[0.5**0.5 - 1, -(0.5**0.5) - 1]], atol=1e-5)


def test_a_missing_answer_stands_for_the_average(at):
    known = [at("a", [[1, 0], [1, 0]]), at("b", [[1, 0], [0, 1]])]
    scores = Templates().scores([at("new", [[1, 0], [np.nan, np.nan]])], known)
    assert scores[0, 0] == pytest.approx(scores[0, 1])


def test_it_says_whose_embeddings_are_missing(at, model):
    with pytest.raises(LibraryError, match="silent have no embeddings"):
        Templates().scores([at("a", [[1, 0]])], [model("silent", [["x"]])])
