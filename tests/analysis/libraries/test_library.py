"""A library: an index and recordings; what is missing, damaged or left out is told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.libraries.library import INDEX, Library, Member, save_index
from analysis.signatures.observation import Access
from probes.errors import LibraryError, RecordingError
from probes.suite import Suite
from tests.recordings import make_up, suite_of, write_recording


def test_the_index_reads_back(tmp_path: Path) -> None:
    members = [Member("a/b", "fam"), Member("é", "fam", "a/b", "noise", False, "Apache-2.0", "org/x")]
    save_index(tmp_path / "new", "v1", members)
    library = Library.load(tmp_path / "new")
    assert (library.version, list(library.members), library.families) == ("v1", members, ("fam",))
    assert [path.name for path in (tmp_path / "new").iterdir()] == [INDEX]


def test_the_index_keeps_what_the_zoo_knows_of_a_member_and_nothing_where_it_knows_nothing(tmp_path: Path) -> None:
    merged = Member("m", "fam", "a", "merge_linear", kind="descendant", recipe="merge", seed=0, parents=("a", "b"))
    members = [Member("a", "fam"), replace(merged, lineage="a", teacher="t")]
    save_index(tmp_path, "v1", members)
    assert list(Library.load(tmp_path).members) == members
    plain, full = json.loads((tmp_path / INDEX).read_text("utf-8"))["members"]
    assert set(plain) == {"name", "family", "parent", "technique", "fit", "licence", "origin"}
    assert set(full) - set(plain) == {"kind", "recipe", "seed", "teacher", "lineage", "parents"}


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (None, r"no library at .* \(no library\.json\)"),
        ("{", r"library\.json is damaged"),
        ("[]", r"library\.json is damaged"),
        ('{"members": [], "schema": 1}', r"library\.json is damaged"),
        ('{"members": [{"name": "a", "kin": "b"}], "schema": 1, "version": "v"}', r"library\.json is damaged"),
        (
            '{"members": [{"name": "a", "family": "b"}], "schema": 9, "version": "v"}',
            "has schema 9, this version reads 1",
        ),
        ('{"members": [], "schema": 1, "version": "v"}', "has no references left"),
        (
            json.dumps({"members": [{"name": "a", "family": "b"}] * 2, "schema": 1, "version": "v"}),
            r"library\.json names 'a' twice",
        ),
        (
            '{"members": [{"name": "a", "family": "unknown"}], "schema": 1, "version": "v"}',
            r"library\.json calls the family of 'a' 'unknown'",
        ),
        *(
            (
                json.dumps({"members": [{"name": "a", "family": "b"} | wrong], "schema": 1, "version": "v"}),
                r"library\.json has a member without a name, family or technique",
            )
            for wrong in ({"name": 5}, {"family": None}, {"technique": ""})
        ),
    ],
)
def test_a_library_that_is_none_is_told(tmp_path: Path, index: str | None, said: str) -> None:
    if index is not None:
        (tmp_path / INDEX).write_text(index, "utf-8")
    with pytest.raises(LibraryError, match=said):
        Library.load(tmp_path)


def test_leaving_out_takes_what_is_named_and_nothing_else(made_up_library: Library) -> None:
    left = made_up_library.without(families=["ash"], techniques=["noise"], names=["cedar-base"])
    assert {m.name for m in left.members} == {
        "birch-base",
        "birch-rounding",
        "birch-pruning",
        "cedar-rounding",
        "cedar-pruning",
    }
    assert left.families == ("birch", "cedar")
    assert made_up_library.without() == made_up_library


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ({"names": ["ash"]}, "leave_out names the name 'ash'; the library has .*'ash-base'"),
        ({"families": ["ash-base"]}, "leave_out names the family 'ash-base'"),
        ({"techniques": ["magic"]}, "leave_out names the technique 'magic'"),
        ({"families": ["ash", "birch", "cedar"]}, "has no references left"),
    ],
)
def test_leaving_out_what_is_not_there_or_everything_is_told(
    made_up_library: Library, left_out: dict[str, Any], said: str
) -> None:
    with pytest.raises(LibraryError, match=said):
        made_up_library.without(**left_out)


def test_a_member_without_a_recording_is_told(tmp_path: Path) -> None:
    save_index(tmp_path, "v", [Member("gone", "f")])
    library = Library.load(tmp_path)
    with pytest.raises(RecordingError, match=r"no recording at .*gone"):
        library.signature(library.members[0])


def test_shared_prompts_are_those_of_all_members_in_the_candidates_order(tmp_path: Path) -> None:
    long, short = suite_of(10), Suite("other", suite_of(8, start=4).canaries[::-1])
    write_recording(tmp_path / "long", make_up(0, size=10), suite=long)
    write_recording(tmp_path / "short", make_up(1, size=8), suite=short)
    save_index(tmp_path, "v", [Member("long", "f"), Member("short", "g")])
    library = Library.load(tmp_path)
    candidate = library.signature(library.members[0])
    assert library.shared_prompts(candidate) == list(candidate.digests[4:10])
    other = library.signature(library.members[1])
    assert library.shared_prompts(other) == list(candidate.digests[4:10][::-1])


def test_only_members_that_were_asked_alike_are_compared(tmp_path: Path) -> None:
    chats = Suite("chats", suite_of(12, start=4).canaries)
    write_recording(tmp_path / "plain", make_up(0, size=10), suite=suite_of(10))
    write_recording(tmp_path / "chatty", make_up(0, size=12), suite=chats)
    save_index(tmp_path, "v", [Member("plain", "f"), Member("chatty", "f")])
    library = Library.load(tmp_path)
    plain, chatty = (library.signature(member) for member in library.members)
    assert [m.name for m in library.asked(plain).members] == ["plain", "chatty"]  # 10 and 6 of its prompts
    assert [m.name for m in library.asked(chatty).members] == ["plain", "chatty"]  # 6 and 12 of its prompts
    few = plain.take([0, 1, 2, 3, 4])  # 5 prompts of the one, 1 of the other
    assert [m.name for m in library.asked(few).members] == ["plain"]


def test_a_suite_that_nobody_was_asked_is_told(made_up_library: Library, tmp_path: Path) -> None:
    strange = Suite("strange", suite_of(9, start=500).canaries)
    write_recording(tmp_path / "m", make_up(0, size=9), suite=strange)
    save_index(tmp_path, "v", [Member("m", "f")])
    other = Library.load(tmp_path)
    with pytest.raises(LibraryError, match=r"not recorded with .* suite 'strange'; collect with suite 'tiny'"):
        made_up_library.asked(other.signature(other.members[0]))


def test_references_are_seen_as_the_candidate_is(made_up_library: Library) -> None:
    member = made_up_library.members[0]
    for access in (Access("topk", 5), Access("text", draws=3)):
        seen = made_up_library.signature(member, access)
        assert seen.access == access
        assert seen.channels["next_token"]["n_draws"].max() == access.draws
    assert made_up_library.signature(member, Access("logits")).access == Access("logits")


@pytest.mark.parametrize("access", [Access("topk", 5), Access("text", draws=2)])
def test_references_are_lowered_within_a_tier_too(tmp_path: Path, access: Access) -> None:
    write_recording(tmp_path / "m", make_up(0), access.tier)
    save_index(tmp_path, "v", [Member("m", "f")])
    library = Library.load(tmp_path)
    assert library.signature(library.members[0], access).access == access


def test_a_member_replaced_is_not_doubled(made_up_library: Library) -> None:
    replaced = replace(made_up_library.members[0], technique="new")
    grown = made_up_library.with_member(replaced)
    assert len(grown.members) == len(made_up_library.members)
    assert [m.technique for m in grown.members if m.name == replaced.name] == ["new"]


def test_a_recording_is_checked_once_and_what_is_read_of_it_is_not_kept(made_up_library: Library) -> None:
    library = Library.load(made_up_library.folder)
    member = library.members[0]
    one, other = library.recording(member), library.recording(member)
    assert one.suite is other.suite is made_up_library.recording(member).suite
    assert one.logits is not None
    assert "logits" not in vars(other)
    assert library.signature(member) is library.signature(member, one_access := library.signature(member).access)
    assert one_access.tier == "logits"
