"""What holds for every peer: the promises of the interface, and that it works on real recordings."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.baselines import all_baselines
from analysis.baselines.setting import choose, kin_of
from analysis.baselines.thresholds import above_strangers, abstention
from probes.errors import LibraryError

PEERS = all_baselines()
NAMES = ("bottom_k", "equality_testing", "first_words", "phylolm", "provenance_testing", "templates", "trigrams")
USED = [(name, tier) for name in NAMES for tier in PEERS[name].accesses if tier != "topk_chosen"]


def test_there_are_seven_each_with_its_source():
    assert tuple(sorted(PEERS)) == NAMES
    assert all(peer.citation and peer.grid()[0] == peer for peer in PEERS.values())


@pytest.fixture
def seen(name, tier, shipped, embedded):
    return embedded if name == "templates" else shipped[tier]


@pytest.mark.parametrize(("name", "tier"), USED)
def test_it_tells_the_shipped_families_apart(name, tier, seen):
    chosen = choose(PEERS[name], seen)
    same, pairs = kin_of(seen, seen)
    scores = chosen.baseline.scores(seen, seen)
    nearest = np.where(pairs & ~np.isnan(scores), scores, -np.inf).argmax(axis=1)
    assert chosen.auc > 0.9
    assert same[np.arange(len(seen)), nearest].mean() >= 8 / 9
    assert chosen.baseline in PEERS[name].grid()


@pytest.mark.parametrize(("name", "tier"), [pair for pair in USED if pair[1] == "logits"])
def test_a_candidates_own_lineage_and_order_change_nothing(name, tier, seen):
    bare = [replace(one, lineage="", name=f"{one.name} unnamed") for one in seen]
    named = [replace(one, name=f"{one.name} unnamed") for one in seen]
    for peer in PEERS[name].grid():
        scores = peer.scores(bare, seen)
        np.testing.assert_allclose(scores, peer.scores(named, seen))
        np.testing.assert_allclose(peer.scores(bare[::-1], seen[::-1]), scores[::-1, ::-1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "tier"), [(n, t) for n, t in USED if t == "logits" and PEERS[n].pairwise])
def test_a_pairwise_score_holds_for_a_part_of_the_references(name, tier, seen):
    for peer in PEERS[name].grid():
        np.testing.assert_allclose(peer.scores(seen[:2], seen[3:5]), peer.scores(seen, seen)[:2, 3:5], atol=1e-9)


def test_a_setting_needs_kin_and_strangers(shipped):
    with pytest.raises(LibraryError, match="two lineages"):
        choose(PEERS["phylolm"], shipped["text"][:3])
    with pytest.raises(LibraryError, match="two lineages"):
        choose(PEERS["phylolm"], shipped["text"][::3])


def test_the_setting_is_the_papers_own_where_no_other_is_better(model):
    twins = [model(f"{lineage}{n}", [[lineage * 9]] * 4, lineage) for lineage in "ab" for n in range(2)]
    assert choose(PEERS["phylolm"], twins).setting == {"characters": 4}


def test_no_training_stranger_reaches_the_threshold():
    scores = np.array([[0.9, 0.2, np.nan], [0.3, 0.8, 0.5]])
    same = np.array([[True, False, False], [False, True, False]])
    assert 0.5 < above_strangers(scores, same) < 0.50001
    assert above_strangers(scores, np.ones_like(same)) == -np.inf


def test_abstention_lies_between_kin_and_strangers():
    # Nearest kin at 0.9 and 0.7; with the lineage taken out, nearest strangers at 0.2 and 0.4.
    scores, same = np.array([[0.9, 0.2], [0.4, 0.7]]), np.eye(2, dtype=bool)
    assert abstention(scores, same) == pytest.approx(0.55)
    with pytest.raises(LibraryError, match="no threshold"):
        abstention(np.full((2, 2), np.nan), same)
