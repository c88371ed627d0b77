"""Families: what is held out is held out, features are those of the pairing, and made-up truth is found."""

import numpy as np
import pytest

from analysis.benchmark.compared import Compared
from analysis.benchmark.family import FamilyTest
from analysis.benchmark.pair_features import PairFeatures
from analysis.benchmark.specimens import Seen, Specimen, specimens_of
from analysis.benchmark.splits import canary_subsets, folds, outside
from analysis.kinship.pairing import Pairing
from analysis.kinship.similarities import similarities
from analysis.signatures.observation import Access
from tests.made_up_zoo import write_zoo

CHANNELS = ("next_token", "greedy", "wording")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return Seen.at(Access("logits"), specimens_of([write_zoo(tmp_path_factory.mktemp("zoo"))]))


@pytest.fixture(scope="module")
def tested(seen: Seen) -> FamilyTest:
    return _test(seen)


def _test(seen: Seen) -> FamilyTest:
    references = seen.references
    compared = Compared.of(seen.signatures, seen.recorded, CHANNELS)
    return FamilyTest(seen.candidates, references, compared, canary_subsets(24, (8, 16), 2))


def test_features_are_those_of_the_pairing(seen: Seen) -> None:
    """Learned from all pairs of models, in a library that every model stands in."""
    signatures = list(seen.signatures)
    pairing = Pairing(CHANNELS)
    families, number = np.unique([one.family for one in seen.candidates], return_inverse=True)
    expected = pairing.fit_transform(signatures, signatures, families[number].tolist())
    tensor = similarities(signatures, signatures, CHANNELS)
    features = PairFeatures(Compared(tensor), np.ones((24, 1), np.float32), number, number)
    background = features.background(np.ones(tensor.shape[1:3], dtype=bool))
    np.testing.assert_allclose(background, pairing.background_, atol=1e-5)
    np.testing.assert_allclose(features(background)[0], expected, atol=1e-4)


def test_token_counts_are_compared_on_the_canaries_asked_and_no_others() -> None:
    """The constant of the first four canaries is 1; all eight would say that it is 5."""
    differences = np.array([1, 1, 1, 5, 5, 5, 5, 5.0]).reshape(1, 1, 8)
    tensor = (differences == 5).astype(np.float32)[None]
    subsets = np.array([[1] * 4 + [0] * 4, [1] * 8], np.float32).T
    features = PairFeatures(Compared(tensor, 0, differences), subsets, np.zeros(1, np.intp), np.zeros(1, np.intp))
    np.testing.assert_allclose(features(np.zeros((1, 8)))[:, 0, 0, 0], [3 / 4, 5 / 8])


def test_every_lineage_is_in_one_fold_with_its_teacher(seen: Seen) -> None:
    held = folds(seen.candidates)
    lineages = {one.lineage for one in seen.candidates}
    assert sorted(name for fold in held for name in fold) == sorted(lineages)
    assert frozenset({"sun"}) in held
    assert frozenset({"moon"}) in held
    assert any({"tide-0", "tide-student"} <= fold for fold in held)


def test_nothing_held_out_is_learned_from(tested: FamilyTest) -> None:
    for held_out, technique, places in tested._known():
        rows, columns = np.nonzero(tested._training(held_out, technique))
        candidates, references = ({tested.models[i].name for i in side} for side in (rows, tested.references[columns]))
        for one in (one for one in tested.models if one.name in candidates | references):
            assert one.lineage not in held_out
            assert outside(one, held_out)
        assert technique not in {one.technique for one in tested.models if one.name in candidates}
        assert all(tested.models[place].lineage in held_out for place in places)


def test_known_families_are_found_and_left_out_ones_are_rejected(tested: FamilyTest) -> None:
    trials = tested.run()
    known = {place for place, one in enumerate(tested.models) if one.kind in ("descendant", "student")}
    assert set(trials.hit[16, 0]) == known
    assert np.mean(list(trials.hit[16, 0].values())) == 1
    assert np.mean(list(trials.loss[16, 0].values())) < 0.5
    assert set(trials.rejected[16, 1]) == set(range(len(tested.models)))
    assert np.mean(list(trials.rejected[16, 1].values())) > 0.9


def test_a_family_counts_as_named_where_a_verdict_would_name_it(tested: FamilyTest) -> None:
    trials, at = tested.run(), tested.rules.attributed_at
    [subset] = [one for one in trials.posterior if one[1] == 0][-1:]
    families = np.unique(tested.columns).tolist()
    for place, posterior in trials.posterior[subset].items():
        own = posterior[families.index(tested.rows[place])]
        assert trials.attributed[subset][place] == (own >= at)
    for place, posterior in trials.posterior_left_out[subset].items():
        assert trials.stranger_attributed[subset][place] == (posterior[:-1].max() >= at)


def test_poisoned_models_change_nothing_while_they_are_held_out(seen: Seen, tested: FamilyTest) -> None:
    """What the held-out lineage answers moves no figure of the others' posterior, and nothing that is fitted."""
    held_out = frozenset({"sun"})
    training = tested._training(held_out)
    poisoned = tested.features.tensor.copy()
    rows = [place for place, one in enumerate(tested.models) if one.lineage == "sun"]
    poisoned[:, rows] = 1
    poisoned[:, :, np.isin(tested.references, rows)] = 1
    other = PairFeatures(Compared(poisoned), tested.features.subsets, tested.rows, tested.columns)
    np.testing.assert_array_equal(tested.features.background(training), other.background(training))


def test_a_single_family_teaches_nothing_and_gives_no_figure(seen: Seen) -> None:
    tide: list[int] = [place for place, one in enumerate(seen.candidates) if one.family == "tide"]
    models: list[Specimen] = [seen.candidates[place] for place in tide]
    part = Seen(seen.access, tuple(models), tuple(seen.signatures[place] for place in tide), ())
    trials = _test(part).run()
    assert trials.hit == {}
    assert trials.rejected == {}
