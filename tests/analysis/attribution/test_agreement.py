"""Two verdicts on one candidate, on known canaries and on fresh ones: agreement, disagreement, or neither."""

from pathlib import Path

import pytest

from analysis.attribution.agreement import AGREES, DISAGREES, UNDECIDED, agreement
from analysis.attribution.attribute import Rules, attribute
from analysis.libraries.library import Library, Member, save_index
from analysis.signatures.signature import signature
from analysis.verdict import Verdict
from probes.errors import KinprintError, LibraryError
from probes.recording import folder_name
from probes.suite import Suite
from tests.recordings import MadeUp, make_up, suite_of, write_recording

RULES = Rules(("next_token", "greedy", "wording"), attributed_at=0.8, unknown_at=0.7, kinship=None)
PUBLIC, FRESH = suite_of(24), Suite("fresh-0123456789ab", suite_of(24, start=500).canaries)


def fresh(family: int, member: int = 0) -> MadeUp:
    """What a family answers to the fresh canaries: other answers than to the public ones."""
    return make_up(family, member, world=7)


@pytest.fixture(scope="module")
def fresh_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder, members = tmp_path_factory.mktemp("fresh"), []
    for number, family in enumerate(("ash", "birch", "cedar")):
        for member in range(4):
            name = f"{family}-{member}"
            write_recording(folder / folder_name(name), fresh(number, member), name=name, suite=FRESH)
            members.append(Member(name, family))
    save_index(folder, "made-up-fresh", members)
    return Library.load(folder)


def verdict(folder: Path, model: MadeUp, suite: Suite, library: Library) -> Verdict:
    return attribute(signature(write_recording(folder / suite.name, model, "topk", suite=suite)), library, RULES)


@pytest.mark.parametrize(
    ("known", "unseen", "outcome", "said"),
    [
        (make_up(0, 9), fresh(0, 9), AGREES, ("ash", "ash")),
        (make_up(1, 9), fresh(0, 9), DISAGREES, ("birch", "ash")),  # known canaries go to another family's model
        (make_up(8), fresh(0, 9), DISAGREES, ("unknown", "ash")),  # or to one that hides the family
        (make_up(8), fresh(8), AGREES, ("unknown", "unknown")),
    ],
)
def test_routing_known_canaries_elsewhere_shows_on_fresh_ones(
    tmp_path: Path, made_up_library: Library, fresh_library: Library, known: MadeUp, unseen: MadeUp, outcome: str,
    said: tuple[str, str],
) -> None:  # fmt: skip
    public = verdict(tmp_path, known, PUBLIC, made_up_library)
    found = agreement(public, verdict(tmp_path, unseen, FRESH, fresh_library))
    assert (found.outcome, found.public, found.fresh) == (outcome, *said), found.reason
    assert (found.chance is None) == (outcome == AGREES)


def test_an_open_verdict_is_no_disagreement(tmp_path: Path, made_up_library: Library, fresh_library: Library) -> None:
    silent = write_recording(tmp_path / "silent", fresh(0), "topk", suite=FRESH, silent=[c.id for c in FRESH.canaries])
    public = verdict(tmp_path, make_up(0, 9), PUBLIC, made_up_library)
    found = agreement(public, attribute(signature(silent), fresh_library))
    assert (found.outcome, found.fresh, found.chance) == (UNDECIDED, None, None)
    assert "0 of the 24 canaries" in found.reason


def test_one_suite_alone_can_not_be_compared(tmp_path: Path, made_up_library: Library) -> None:
    public = verdict(tmp_path, make_up(0, 9), PUBLIC, made_up_library)
    with pytest.raises(KinprintError, match="must come from a fresh suite"):
        agreement(public, public)


def test_a_library_that_was_asked_other_canaries_says_how_to_build_one(
    tmp_path: Path, made_up_library: Library
) -> None:
    with pytest.raises(LibraryError, match=r"not recorded with .*'fresh-0123456789ab'.*library build suite=fresh"):
        verdict(tmp_path, fresh(0, 9), FRESH, made_up_library)
