"""The tree of a library: families of the shipped one stand together, labels make none, and nobody is hidden."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.attribution.rules import Rules
from analysis.libraries.library import Library, Member, save_index
from analysis.trees.family_tree import Distances, family_tree
from analysis.trees.tree import average_linkage
from probes.errors import LibraryError, RecordingError
from tests.recordings import make_up, suite_of, write_recording

SHIPPED = Library.load()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Two families of three, made up."""
    made = [make_up(family, member) for family in range(2) for member in range(3)]
    for one in made:
        write_recording(tmp_path / "library" / one.name, one)
    members = [Member(one.name, one.name.split("-")[0]) for one in made]
    save_index(tmp_path / "library", "tiny", members)
    return Library.load(tmp_path / "library")


@pytest.mark.parametrize("like", [None, "smollm2-chat"])
def test_every_shipped_reference_falls_into_the_clade_of_its_family(like: str | None) -> None:
    found = family_tree(SHIPPED, like=like, replicates=20)
    assert found.apart == dict.fromkeys(SHIPPED.families, (True, True))
    assert set(found.names) | set(found.left_out) >= {member.name for member in SHIPPED.members}
    for tree in (found.dendrogram, found.neighbour_joining):
        assert all(0 <= share <= 1 for share in tree.support if share is not None)


def test_labels_do_not_make_the_families() -> None:
    """Strangers are told by the families that the library names; with these mixed up, the true ones stand out still."""
    wrong = [SHIPPED.families[n % 3] for n in range(len(SHIPPED.members))]
    members = tuple(Member(m.name, wrong[n], m.parent) for n, m in enumerate(SHIPPED.members))
    found = family_tree(replace(SHIPPED, members=members), replicates=0)
    trees = (found.dendrogram, found.neighbour_joining)
    for family in SHIPPED.families:
        true = {m.name for m in SHIPPED.members if m.family == family}
        assert all(tree.sets_apart(n for n, name in enumerate(found.names) if name in true) for tree in trees)
    assert not any(any(apart) for apart in found.apart.values())


def test_a_recording_is_placed_and_twins_are_at_no_distance(library: Library, tmp_path: Path) -> None:
    twin = write_recording(tmp_path / "twin", make_up(1, 2), name="family1-2")
    kin = write_recording(tmp_path / "kin", make_up(0, 7), name="a\tnew\none")
    found = family_tree(library, [twin, kin], replicates=10)
    assert found.names[-2:] == ("family1-2 (2)", "a⇥new↵one")
    assert found.families[-2:] == (None, None)
    place = found.names.index("family1-2")
    assert found.distances[place, 6] == 0
    assert found.dendrogram.sets_apart([place, 6])
    assert found.neighbour_joining.sets_apart([0, 1, 2, 7])
    np.testing.assert_array_equal(found.distances, found.distances.T)


def test_who_shares_too_little_is_refused(library: Library, tmp_path: Path) -> None:
    silent = write_recording(
        tmp_path / "silent", make_up(0, 4), tier="topk", silent=[canary.id for canary in suite_of(20).canaries]
    )
    with pytest.raises(RecordingError, match="answered 4 of the 24 prompts that all were asked; to compare it takes 8"):
        family_tree(library, [silent])
    other = write_recording(tmp_path / "other", make_up(0, 4), suite=suite_of(24, start=18))
    fine = write_recording(tmp_path / "fine", make_up(0, 5))
    with pytest.raises(RecordingError, match="was asked 6 of the prompts that all others were asked"):
        family_tree(library, [fine, other])
    with pytest.raises(LibraryError, match="no reference 'nobody'"):
        family_tree(library, like="nobody")
    with pytest.raises(LibraryError, match="fewer than two models"):
        family_tree(library.without(names=[member.name for member in library.members[1:]]))


def test_two_models_are_enough(library: Library, tmp_path: Path) -> None:
    alone = library.without(names=[member.name for member in library.members[1:]])
    found = family_tree(alone, [write_recording(tmp_path / "kin", make_up(0, 7))], replicates=3)
    assert found.distances.shape == (2, 2)
    assert 0 < found.distances[0, 1] < 1


def test_all_are_seen_as_the_lowest_access_sees_them(library: Library, tmp_path: Path) -> None:
    found = family_tree(library, [write_recording(tmp_path / "text", make_up(0, 7), tier="text")], replicates=0)
    assert found.tier == "text"
    assert found.dendrogram.sets_apart([0, 1, 2, 6])


def test_a_channel_that_not_everybody_feeds_compares_nobody(library: Library, tmp_path: Path) -> None:
    word = {canary.id: {"text": "x"} for canary in suite_of(24).canaries}
    terse = write_recording(tmp_path / "terse", make_up(0, 7), changes=word, name="terse")
    found = family_tree(library, [terse], replicates=0)
    assert found.channels == ("next_token", "greedy")
    assert found.left_out == {"wording": "terse has nothing for it: no answer is longer than a word"}
    with pytest.raises(LibraryError, match="no channel compares all models"):
        family_tree(library, [terse], rules=Rules(channels=("wording",)))


def test_what_is_not_known_counts_on_neither_side() -> None:
    """Two channels, four models; where a pair has no similarity, its distance rests on the other canaries."""
    tensor = np.full((1, 3, 3, 20), 0.5, np.float32)
    tensor[:, 0, 1] = tensor[:, 1, 0] = 0.84
    tensor[:, 0, 1, :10] = np.nan
    distances = Distances.of(tensor, (None, None, None))
    [found] = distances(np.ones((20, 1), np.float32))
    assert found[0, 1] == pytest.approx(0.4, abs=1e-3)
    assert found[0, 2] == pytest.approx(np.sqrt(0.5), abs=1e-3)


def test_support_falls_where_canaries_disagree() -> None:
    """Half of the canaries put b to a, half to c: no draw of them may make that sure."""
    tensor = np.full((1, 4, 4, 200), 0.2, np.float32)
    for one, other, canaries in ((0, 1, slice(0, 100)), (1, 2, slice(100, 200)), (2, 3, slice(0, 5))):
        tensor[:, one, other, canaries] = tensor[:, other, one, canaries] = 0.9
    distances = Distances.of(tensor, (None,) * 4)
    trees = [average_linkage(one) for one in distances.redrawn(300, seed=0)]
    with_a = np.mean([0b0011 in tree.groups() for tree in trees])
    with_c = np.mean([0b0110 in tree.groups() for tree in trees])
    assert abs(with_a - 0.5) < 0.1
    assert with_a + with_c > 0.95
