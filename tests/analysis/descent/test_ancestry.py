"""The descent test on made-up models that are an output matrix and hidden states: parents named, innocents let go."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.descent.ancestry import descent
from analysis.libraries.library import Library, Member, save_index
from probes.errors import LibraryError
from probes.recording import Recording, load_recording
from tests.recordings import VOCABULARY, MadeUp, make_up, write_recording

SIZE, CANARIES, TAUGHT = 24, 60, 6


def logits_of(seed: int, parent: int | None = None) -> np.ndarray:
    """Of a seed; its directions are those of its parent, if it has one, moved a little. What data teaches is shared."""
    data, own = np.random.default_rng(0), np.random.default_rng((1, seed))
    shared = data.normal(size=(CANARIES, TAUGHT)) * 3 @ data.normal(size=(TAUGHT, len(VOCABULARY)))
    root = np.random.default_rng((1, parent)) if parent is not None else own
    states, matrix = root.normal(size=(CANARIES, SIZE)), root.normal(size=(SIZE, len(VOCABULARY)))
    if parent is not None:
        states, matrix = (side + 0.3 * own.normal(size=side.shape) for side in (states, matrix))
    return (shared + states @ matrix).astype(np.float32)


def record(folder: Path, name: str, logits: np.ndarray, tier: str = "logits", tokenizer: str = "ab" * 32) -> Recording:
    made: MadeUp = replace(make_up(0, size=CANARIES), logits=logits)
    write_recording(folder / name, made, tier, name=name, sampled=True)
    return with_tokenizer(folder / name, tokenizer)


def with_tokenizer(folder: Path, tokenizer: str = "ab" * 32) -> Recording:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "tokenizer": {"sha256": tokenizer}}), "utf-8")
    return load_recording(folder)


def library_of(folder: Path, seeds: int) -> Library:
    members = []
    for seed in range(seeds):
        record(folder, f"s{seed}", logits_of(seed))
        members.append(Member(f"s{seed}", "plan", kind="lookalike", lineage=f"s{seed}"))
    record(folder, "s0-child", logits_of(100, parent=0))
    members.append(Member("s0-child", "plan", "s0", "light", kind="descendant", lineage="s0"))
    save_index(folder, "made-up", members)
    return Library.load(folder)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return library_of(tmp_path_factory.mktemp("seeds"), 8)


def test_a_descendant_shares_ancestry_with_its_parent_and_with_nobody_else(library: Library, tmp_path: Path) -> None:
    candidate = record(tmp_path, "candidate", logits_of(200, parent=3))
    found = descent(candidate, library, ["s3", "s4", "s5"])
    assert [one.decision for one in found] == ["shared_ancestry", *["independent_not_rejected"] * 2]
    first = found[0]
    assert (first.basis, first.access, first.controls, first.lineages) == ("model", "logits", 7, 8)
    assert first.p_value is not None
    assert first.p_adjusted == pytest.approx(3 * first.p_value)
    assert first.effect is not None
    assert first.innocents is not None
    assert first.effect > 0.1 > 2 * first.innocents
    assert first.bound == pytest.approx(1 - 0.05 ** (1 / 8))


def test_a_stranger_is_not_accused(library: Library, tmp_path: Path) -> None:
    found = descent(record(tmp_path, "candidate", logits_of(300)), library, [f"s{seed}" for seed in range(8)])
    assert {one.decision for one in found} == {"independent_not_rejected"}


def test_few_trainings_decide_nothing(tmp_path: Path) -> None:
    small = library_of(tmp_path / "small", 3)
    [found] = descent(record(tmp_path, "candidate", logits_of(200, parent=0)), small, ["s0"])
    assert found.decision == "undecidable"
    assert "fewer than 5 independent trainings" in found.reason
    assert found.p_value is None


def test_innocents_that_show_little_are_measured_by_innocents_that_show_as_little(
    library: Library, tmp_path: Path
) -> None:
    """On 4 of 60 rows everybody's score varies more: strangers must not be held against what 60 rows give."""
    accused, effects = 0, []
    for seed in range(12):
        logits = logits_of(400 + seed)
        made = replace(make_up(0, size=CANARIES), logits=logits)
        silent = [f"c-{number:03}" for number in range(4, CANARIES)]
        write_recording(tmp_path / str(seed), made, silent=silent)
        found = descent(with_tokenizer(tmp_path / str(seed)), library, ["s1", "s2"], alpha=0.05)
        accused += any(one.decision == "shared_ancestry" for one in found)
        effects += [one.effect for one in found if one.effect is not None]
    assert len(effects) == 24
    assert accused <= 2


def test_a_parent_whose_vocabulary_nobody_else_has_decides_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    library_of(folder, 6)
    record(folder, "alone", logits_of(50), tokenizer="cd" * 32)
    members = [*Library.load(folder).members, Member("alone", "alone", kind="base", lineage="alone")]
    save_index(folder, "made-up", members)
    candidate = record(tmp_path, "candidate", logits_of(60, parent=50), tokenizer="cd" * 32)
    [found] = descent(candidate, Library.load(folder), ["alone"])
    assert (found.decision, found.controls, found.p_value) == ("undecidable", 0, None)
    assert found.effect is not None
    assert "0 independent trainings with the vocabulary of alone" in found.reason


@pytest.mark.parametrize("distinct", [4, 8])
def test_answers_that_repeat_accuse_nobody(library: Library, tmp_path: Path, distinct: int) -> None:
    """Of few distinct rows the strongest directions alone are left, and those are what data taught everybody."""
    for seed in range(6):
        logits = logits_of(500 + seed)[np.arange(CANARIES) % distinct]
        found = descent(record(tmp_path, f"c{seed}", logits), library, ["s1"])
        assert found[0].decision != "shared_ancestry"
        assert found[0].effect is None or found[0].effect >= -1
    mixed = np.random.default_rng(0).normal(size=(CANARIES, 3)) @ logits_of(9)[:3]
    [shallow] = descent(record(tmp_path, "shallow", mixed.astype(np.float32)), library, ["s1"])
    assert shallow.decision != "shared_ancestry"


def test_a_library_that_names_no_tokens_decides_nothing(library: Library, tmp_path: Path) -> None:
    shipped = Library.load()
    candidate = shipped.recording(next(one for one in shipped.members if one.name == "smollm2-int8"))
    [found] = descent(candidate, shipped, ["smollm2"])
    assert (found.decision, found.p_value) == ("undecidable", None)


def test_text_decides_nothing_and_says_what_would(library: Library, tmp_path: Path) -> None:
    [found] = descent(record(tmp_path, "candidate", logits_of(200, parent=0), "text"), library, ["s0"])
    assert (found.decision, found.access, found.p_value) == ("undecidable", "text", None)
    assert "tier=chosen" in found.reason


def test_the_likeliest_tokens_decide_nothing_without_students_to_measure_them_on(
    library: Library, tmp_path: Path
) -> None:
    [found] = descent(record(tmp_path, "candidate", logits_of(200, parent=0), "topk"), library, ["s0"])
    assert (found.decision, found.access) == ("undecidable", "topk")
    assert "student" in found.reason


def test_another_tokenizer_hides_nothing_and_accuses_nobody(library: Library, tmp_path: Path) -> None:
    """Tokens are compared by what they spell."""
    [found] = descent(record(tmp_path, "child", logits_of(200, parent=0), tokenizer="cd" * 32), library, ["s0"])
    assert found.decision == "shared_ancestry"
    [found] = descent(record(tmp_path, "stranger", logits_of(300), tokenizer="cd" * 32), library, ["s0"])
    assert found.decision == "independent_not_rejected"


def test_of_the_likeliest_tokens_another_tokenizer_decides_nothing(library: Library, tmp_path: Path) -> None:
    candidate = record(tmp_path, "candidate", logits_of(200, parent=0), "topk", tokenizer="cd" * 32)
    [found] = descent(candidate, library, ["s0"])
    assert found.decision == "undecidable"
    assert "its tokenizer is not that of s0" in found.reason


def test_vocabularies_stand_in_for_one_that_nobody_else_has(tmp_path: Path) -> None:
    folder, members = tmp_path / "library", []
    for seed in range(13):
        tokenizer = "a" * 64 if seed == 12 else f"{seed % 4}" * 64
        record(folder, f"s{seed}", logits_of(seed), tokenizer=tokenizer)
        members.append(Member(f"s{seed}", f"plan-{tokenizer[0]}", kind="lookalike", lineage=f"s{seed}"))
    save_index(folder, "made-up", members)
    library = Library.load(folder)
    [child] = descent(record(tmp_path, "child", logits_of(60, parent=12), tokenizer="a" * 64), library, ["s12"])
    assert (child.decision, child.controls, child.basis) == ("shared_ancestry", 0, "model")
    assert "4 other vocabularies stand in for that of s12" in child.reason
    assert child.bound == pytest.approx(1 - 0.05 ** (1 / 13))
    [stranger] = descent(record(tmp_path, "stranger", logits_of(61), tokenizer="a" * 64), library, ["s12"])
    assert stranger.decision == "independent_not_rejected"
    [controlled] = descent(record(tmp_path, "other", logits_of(62, parent=0), tokenizer="0" * 64), library, ["s0"])
    assert controlled.decision == "shared_ancestry"


def test_a_parent_that_the_library_does_not_have_is_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="has no model 'nobody'; parents may be s0, s1"):
        descent(record(tmp_path, "candidate", logits_of(200, parent=0)), library, ["nobody"])
