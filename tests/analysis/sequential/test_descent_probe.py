"""Probing for descent on made-up models that are an output matrix and hidden states."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.libraries.library import Library, Member, save_index
from analysis.sequential.descent import LOOKS, order_for
from analysis.sequential.descent_probe import DescentProbe
from analysis.sequential.family_replay import How
from analysis.sequential.outcome import Outcome
from analysis.signatures.observation import Access
from probes.errors import LibraryError
from probes.recording import Recording, load_recording
from tests.recordings import VOCABULARY, make_up, suite_of, write_recording

SIZE, CANARIES, SEEDS = 12, 40, 8


def logits_of(seed: int, parent: int | None = None) -> np.ndarray:
    """Hidden states and an output matrix of a seed's own, or those of its parent, moved a little."""
    own = np.random.default_rng((1, seed))
    root = own if parent is None else np.random.default_rng((1, parent))
    states, matrix = root.normal(size=(CANARIES, SIZE)), root.normal(size=(SIZE, len(VOCABULARY)))
    if parent is not None:
        states, matrix = (side + 0.3 * own.normal(size=side.shape) for side in (states, matrix))
    return np.asarray(states @ matrix, dtype=np.float32)


def record(folder: Path, name: str, logits: np.ndarray, tier: str = "logits", tokenizer: str = "ab" * 32) -> Recording:
    write_recording(folder / name, replace(make_up(0, size=CANARIES), logits=logits), tier, name=name)  # type: ignore[arg-type]
    path = folder / name / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "tokenizer": {"sha256": tokenizer}}), "utf-8")
    return load_recording(folder / name)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("seeds")
    for seed in range(SEEDS):
        record(folder, f"s{seed}", logits_of(seed))
    members = [Member(f"s{seed}", "plan", kind="lookalike", lineage=f"s{seed}") for seed in range(SEEDS)]
    save_index(folder, "made-up", members)
    return Library.load(folder)


def probed(library: Library, candidate: Recording, most: int = 24, alpha: float = 0.01) -> Outcome:
    probe = DescentProbe(library, suite_of(CANARIES), "s3", How(most=most), alpha)
    probe.begin(Access("logits"))
    asked: list[str] = []
    while batch := probe.next_batch():
        asked += [canary.id for canary in batch]
        probe.tell(candidate)
    assert len(asked) == len(set(asked)) <= most
    return probe.outcome("candidate")


def test_a_descendant_is_found_at_the_first_looks(library: Library, tmp_path: Path) -> None:
    found = probed(library, record(tmp_path, "c", logits_of(200, parent=3)))
    assert (found.decision, found.stopped_because, found.lineages) == ("shared_ancestry", "decided", SEEDS)
    assert found.looks[-1].canaries <= 2
    assert found.looks[-1].value > 0.2
    assert "candidate shares weight ancestry with s3" in found.in_words()


def test_strangers_are_asked_until_the_budget_is_spent(library: Library, tmp_path: Path) -> None:
    found = [probed(library, record(tmp_path, f"c{seed}", logits_of(300 + seed)), alpha=0.05) for seed in range(4)]
    assert sum(one.decision == "shared_ancestry" for one in found) <= 1
    rest = [one for one in found if one.decision != "shared_ancestry"]
    assert {(one.decision, one.stopped_because) for one in rest} == {("independent_not_rejected", "budget")}
    assert [look.canaries for look in rest[0].looks] == [look for look in LOOKS if look <= 24]


@pytest.mark.parametrize(
    ("tier", "tokenizer", "said"), [("text", "ab" * 32, "no logits"), ("topk", "cd" * 32, "no logits")]
)
def test_what_cant_be_decided_is_not_asked_for_long(
    library: Library, tmp_path: Path, tier: str, tokenizer: str, said: str
) -> None:
    found = probed(library, record(tmp_path, "c", logits_of(200, parent=3), tier, tokenizer))
    assert (found.decision, found.looks) == ("undecidable", ())
    assert said in found.reason


def test_a_small_library_decides_nothing(library: Library, tmp_path: Path) -> None:
    small = library.without(names=["s0", "s1", "s2", "s7"])
    found = probed(small, record(tmp_path, "c", logits_of(200, parent=3)))
    assert found.decision == "undecidable"
    assert "4 independent trainings" in found.reason


def test_parents_that_are_not_there_are_refused(library: Library) -> None:
    with pytest.raises(LibraryError, match="has no model 'nobody'"):
        DescentProbe(library, suite_of(CANARIES), "nobody", How(), 0.01)


def test_the_order_is_of_what_the_parent_was_asked_and_a_seed_draws_it() -> None:
    logits = np.random.default_rng(0).normal(size=(30, 40)).astype("f4")
    logits[5] = np.nan
    for seed in (None, 1):
        assert sorted(order_for(logits, seed)) == [place for place in range(30) if place != 5]
    assert order_for(logits) == order_for(logits) != order_for(logits, 1) != order_for(logits, 2)


def test_what_shows_most_is_asked_first_and_the_same_not_twice() -> None:
    """Three rows of one weak direction: the longest of them is asked, and the others when nothing else is left."""
    source = np.random.default_rng(0)
    directions = np.linalg.qr(source.normal(size=(100, 9)))[0].T
    rows = source.normal(size=(12, 2)) @ (50 * directions[:2])  # what data teaches
    for place in range(9):
        rows[place] += (9 - place) * directions[3 + place // 3 * 2]
    rows[9] += 8.5 * directions[4]
    order = order_for(rows.astype("f4"))
    assert order[:2] == [0, 9]
    assert set(order[2:4]) == {3, 6}
