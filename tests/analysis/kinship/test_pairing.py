"""Pair features: what strangers have in common anyway counts for nothing."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.kinship.pairing import Pairing, kind_means
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature, align
from probes.errors import RecordingError
from tests.signatures import sign

CHANNELS = ("next_token", "greedy")
FAMILIES = ["a", "a", "b", "b", "c", "c"]


@pytest.fixture(scope="module")
def references() -> list[Signature]:
    return [sign(number // 2, number % 2, size=20) for number in range(6)]


@pytest.fixture(scope="module")
def pairing(references: list[Signature]) -> Pairing:
    return Pairing(CHANNELS).fit(references, references, FAMILIES)


def test_the_same_model_is_1_and_strangers_are_0_on_average(pairing: Pairing, references: list[Signature]) -> None:
    features = pairing(references, references)
    assert features.shape == (6, 6, 2)
    np.testing.assert_allclose([features[i, i] for i in range(6)], 1, atol=1e-6)
    strangers = [features[i, j] for i in range(6) for j in range(6) if FAMILIES[i] != FAMILIES[j]]
    np.testing.assert_allclose(np.mean(strangers, axis=0), 0, atol=1e-6)
    kin = [features[i, j] for i in range(6) for j in range(6) if FAMILIES[i] == FAMILIES[j] and i != j]
    assert np.min(kin) > np.max(strangers)


def test_features_are_the_sums_of_what_the_canaries_add(pairing: Pairing, references: list[Signature]) -> None:
    features = pairing(references[:2], references)
    for i, one in enumerate(references[:2]):
        for j, other in enumerate(references):
            np.testing.assert_allclose(pairing.terms(one, other).sum(axis=1), features[i, j])


def test_every_pair_of_families_weighs_the_same(references: list[Signature]) -> None:
    crowded, families = [*references, *[references[0]] * 5], [*FAMILIES, *"aaaaa"]
    pairing = Pairing(CHANNELS).fit(crowded, crowded, families)
    levels: dict[tuple[str, str], list[float]] = {}
    for one, family in zip(crowded, families, strict=True):
        for other, rival in zip(crowded, families, strict=True):
            if family != rival:
                levels.setdefault((family, rival), []).append(pairing.similarities(one, other)[0, 0])
    assert pairing.background_[0, 0] == pytest.approx(np.mean([np.mean(level) for level in levels.values()]))


def test_a_canary_that_all_answer_alike_tells_no_family_from_another(references: list[Signature]) -> None:
    alike = []
    for one in references:
        channels = {name: {key: value.copy() for key, value in arrays.items()} for name, arrays in one.channels.items()}
        for name, arrays in channels.items():
            for key, value in arrays.items():
                value[7] = references[0].channels[name][key][7]
        alike.append(replace(one, channels=channels))
    pairing = Pairing(CHANNELS).fit(alike, alike, FAMILIES)
    terms = np.array([pairing.terms(alike[0], other)[:, 7] for other in alike])
    np.testing.assert_allclose(terms, np.broadcast_to(terms[0], terms.shape), atol=1e-9)
    # and what it adds to all of them alike stays small beside a canary that tells
    assert (terms <= 0.1 * pairing.terms(alike[0], alike[0]).max(axis=1)).all()


def test_a_canary_without_an_answer_counts_neither_way(pairing: Pairing, references: list[Signature]) -> None:
    silent = {
        name: {key: value.copy() for key, value in arrays.items()} for name, arrays in references[0].channels.items()
    }
    silent["next_token"]["bins"][4] = np.nan
    silent["greedy"]["length"][4] = np.nan
    without = replace(references[0], channels=silent)
    assert (pairing.terms(without, references[0])[:, 4] == 0).all()
    np.testing.assert_allclose(pairing([without], references[:1]), 1, atol=1e-6)


def test_a_channel_that_one_side_lacks_says_nothing(pairing: Pairing, references: list[Signature]) -> None:
    without = replace(references[0], channels={"greedy": references[0].channels["greedy"]})
    np.testing.assert_allclose(pairing([without], references[:1])[0, 0], [0, 1], atol=1e-6)


def test_with_one_family_there_is_no_background(references: list[Signature]) -> None:
    assert not Pairing(CHANNELS).fit(references[:2], references[:2], ["a", "a"]).background_.any()


def test_prompts_are_matched_by_what_was_asked(references: list[Signature]) -> None:
    one = references[0]
    shuffled = one.take([3, 1, 2])
    [aligned] = align([shuffled], [one.digests[1], one.digests[3]])
    assert aligned.digests == (one.digests[1], one.digests[3])
    np.testing.assert_array_equal(aligned.channels["next_token"]["bins"], one.channels["next_token"]["bins"][[1, 3]])
    with pytest.raises(RecordingError, match="family0-0 lacks 1 of the 1 prompts"):
        align([shuffled], [one.digests[0]])


def test_kinds_without_any_value_have_no_mean() -> None:
    assert kind_means(np.array([1.0, np.nan, np.nan, 2.0]), ["x", "x", "y", "x"]) == {"x": 1.5}


def test_the_access_of_the_candidate_is_what_the_background_is_learned_at() -> None:
    # a reference seen by one sampled answer is less like a stranger's full distribution, on each single canary
    coarse = [sign(n // 2, n % 2, size=20, access=Access("text", draws=1)) for n in range(6)]
    fine = [sign(n // 2, n % 2, size=20) for n in range(6)]
    features = Pairing(("next_token",)).fit(coarse, fine, FAMILIES)(coarse, fine)[..., 0]
    strangers = [features[i, j] for i in range(6) for j in range(6) if FAMILIES[i] != FAMILIES[j]]
    assert abs(np.mean(strangers)) < 0.02


def test_with_some_of_the_channels_it_says_what_a_pairing_with_these_says(references: list[Signature]) -> None:
    both = Pairing(CHANNELS).fit(references, references, FAMILIES)
    part = both.only(CHANNELS[1:]).fit(references, references, FAMILIES)
    alone = Pairing(CHANNELS[1:]).fit(references, references, FAMILIES)
    np.testing.assert_array_equal(part.background_, alone.background_)
    np.testing.assert_array_equal(part(references[:2], references), alone(references[:2], references))
