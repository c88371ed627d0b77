"""Attribution through a search index says what attribution against every member says."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.attribution.attribute import attribute
from analysis.attribution.rules import Rules
from analysis.kinship.pairing import Pairing
from analysis.libraries.library import ZOO, Library, save_index
from analysis.search.compare import Query
from analysis.search.index import SearchIndex, update
from analysis.search.nearest import Search
from analysis.search.packed import CHANNELS, Packed
from analysis.search.sketch import BUCKETS, sketch
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature, signature
from probes.errors import LibraryError
from probes.recording import folder_name

MEMBERS = ("smollm2", "smollm2-w8", "smollm2-lora", "gemma3", "gemma3-w8", "qwen2.5-coder", "qwen2.5-coder-w8")
TOP = Access("topk", top_k=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of a few members of the zoo, with an index."""
    made = tmp_path_factory.mktemp("indexed")
    zoo = Library.load(ZOO)
    members = [member for member in zoo.members if member.name in MEMBERS]
    shutil.copytree(ZOO / "suites", made / "suites")
    for member in members:
        shutil.copytree(ZOO / folder_name(member.name), made / folder_name(member.name))
    save_index(made, "few-1", members)
    update(Library.load(made))
    return made


@pytest.fixture(scope="module")
def candidate() -> Signature:
    """A descendant of smollm2 that the library does not hold."""
    library = Library.load(ZOO)
    [member] = [one for one in library.members if one.name == "smollm2-full-light"]
    return signature(library.recording(member), TOP)


def test_with_as_many_nearest_as_there_are_members_the_verdict_is_the_same(folder: Path, candidate: Signature) -> None:
    rules = Rules(switched_off=("partial_coefficient",))  # recordings that are not opened don't show it
    whole = attribute(candidate, Library.load(folder), rules)
    found = Search(SearchIndex.open(folder)).attribute(candidate)
    assert "partial_coefficient" in found.left_out
    assert (found.decision, found.family) == (whole.decision, whole.family)
    assert found.posterior == pytest.approx(whole.posterior, abs=0.02)
    assert found.evidence is not None
    assert whole.evidence is not None
    ours, theirs = found.evidence.log_likelihood_ratios, whole.evidence.log_likelihood_ratios
    assert ours == pytest.approx({name: theirs[name] for name in ours}, abs=0.3)


def test_numbers_of_packed_signatures_are_the_channels_own(folder: Path, candidate: Signature) -> None:
    library = Library.load(folder)
    pairing, digests = Pairing(CHANNELS), candidate.digests
    text = signature(library.recording(library.members[0]), Access("text", draws=4))
    for asked in (candidate, text, candidate.take(range(40, 90))):
        query = Query.of(asked, digests)
        rows = [digests.index(digest) for digest in asked.digests]
        members = library.members[:3]
        packed = [Packed.of_bytes(Packed.of(library.signature(m)).to_bytes(), m.name) for m in members]
        for member, found in zip(members, query.similarities(packed, CHANNELS), strict=True):
            expected = pairing.similarities(asked, library.signatures([member], asked.digests)[0])
            np.testing.assert_allclose(found[:, rows], expected, atol=1e-6)
            assert np.isnan(np.delete(found, rows, axis=1)).all()


def test_packing_loses_nothing(folder: Path) -> None:
    library = Library.load(folder)
    seen = library.signature(library.members[0])
    unpacked = Packed.of_bytes(Packed.of(seen).to_bytes(), "x").channels
    for name in CHANNELS:
        for key, value in seen.channels[name].items():
            np.testing.assert_array_equal(unpacked[name][key], value)


def test_the_product_of_sketches_is_about_the_summed_similarity(folder: Path, candidate: Signature) -> None:
    library, ours = Library.load(folder), sketch(candidate)
    ends = np.cumsum(list(BUCKETS.values()))
    for member in library.members:
        theirs = library.signature(member)
        for name, part in zip(BUCKETS, np.split(ours * sketch(theirs), ends[:-1]), strict=True):
            expected = np.nansum(Pairing((name,)).similarities(candidate, theirs)[0])
            assert abs(part.sum() - expected) < 5 * len(candidate.digests) / np.sqrt(BUCKETS[name])


def test_members_are_appended_replaced_and_gone_and_a_stale_index_is_refused(
    folder: Path, candidate: Signature, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "library"))
    library = Library.load(copy)
    kept = [replace(m, technique="other") if m.name == "gemma3" else m for m in library.members if m.name != "smollm2"]
    save_index(copy, "few-2", kept)
    with pytest.raises(LibraryError, match="changed since"):
        SearchIndex.open(copy)
    assert update(Library.load(copy)) == 1
    index = SearchIndex.open(copy)
    assert index.sizes == {"gemma3": 2, "qwen2.5": 2, "smollm2": 2}
    [found] = Search(index).nearest(candidate)
    names = [found.shelf.member(int(row)).name for row in found.rows]
    assert sorted(names) == sorted(set(MEMBERS) - {"smollm2"})
    assert names[0].startswith("smollm2")
    without = Search(index.without(["smollm2"], [], []), Rules(kinship=None, channels=CHANNELS[:3])).attribute(
        candidate
    )
    assert without.family != "smollm2"
    assert "smollm2" not in without.posterior


def test_a_family_of_which_only_some_are_near_is_no_likelier_for_it(folder: Path, candidate: Signature) -> None:
    """Of a library with strangers under a family's name, the nearest alone say what all say."""
    library = Library.load(folder)
    one = Search(SearchIndex.open(folder)).narrowed(candidate)
    more = replace(one, whole={**one.whole, "smollm2": 3 * 10**12})
    assert attribute(candidate, more).posterior["smollm2"] < 0.5 < attribute(candidate, one).posterior["smollm2"]
    assert library.sizes is None


def test_a_relative_is_named_among_dozens_of_families_as_among_a_few(folder: Path, candidate: Signature) -> None:
    """Doubt is one for the candidate: were it granted to every family, no library of many could ever name one."""
    one = Search(SearchIndex.open(folder)).narrowed(candidate)
    crowd = replace(one, whole={**one.whole, **{f"family {n}": 20 for n in range(60)}})
    verdict = attribute(candidate, crowd)
    assert verdict.decision == "attributed"
    assert verdict.family == "smollm2"


def test_what_is_too_little_among_thousands_of_families_is_said_to_be_that(folder: Path, candidate: Signature) -> None:
    """Of a family of which most are not near, one is near: that speaks for it, but not as much as so many ask for."""
    one = Search(SearchIndex.open(folder)).narrowed(candidate)
    others = {f"family {n}": 20 for n in range(50_000)}
    crowd = replace(one, whole={**one.whole, **others, "smollm2": 300})
    verdict = attribute(candidate, crowd)
    assert verdict.decision == "unknown"
    assert "most like those of smollm2" in verdict.reason
    assert "too little with 5000" in verdict.reason


@pytest.mark.parametrize("name", ["sketches.f32", "signatures.bin", "shelf.json", "members.jsonl"])
def test_a_damaged_index_is_said_to_be_damaged(folder: Path, candidate: Signature, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "library"))
    [path] = copy.glob(f"search/*/{name}")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(LibraryError, match="index"):
        Search(SearchIndex.open(copy)).attribute(candidate)
