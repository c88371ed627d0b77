"""Logits of chosen tokens, read alike from full and reduced recordings and from those with every position."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.signatures.chosen_logits import LAST, ChosenLogits, chosen_logits, last_logits, same_rows, same_tokens
from analysis.signatures.reduction import reduce_recording
from analysis.signatures.unfed import Unfed
from probes.chosen_tokens import chosen_tokens
from probes.recording import POSITIONS, Recording, save_recording
from probes.spelling import join_bytes
from tests.recordings import VOCABULARY, make_up, write_recording

MODEL = make_up(1)


def read(recording: Recording) -> ChosenLogits:
    found = chosen_logits(recording)
    assert isinstance(found, ChosenLogits)
    return found


@pytest.fixture
def full(tmp_path: Path) -> Recording:
    written = write_recording(tmp_path / "full", MODEL, silent=("c-003",))
    named = replace(written.manifest, tokenizer={"size": len(VOCABULARY), "sha256": "ab" * 32})
    return replace(written, manifest=named)


def positions(recording: Recording, folder: Path, n_chosen: int = 40, **changes: Any) -> Recording:
    """Three rows a canary, the last of which is the model's answer."""
    chosen = chosen_tokens(VOCABULARY, n_chosen)
    content, offsets = join_bytes([VOCABULARY[number] for number in chosen.tolist()])
    last = MODEL.logits[:, chosen]
    arrays = {
        "logits": np.stack([last - 1, last * 2, last], axis=1).reshape(-1, len(chosen)).astype(np.float16),
        "canary_index": np.repeat(np.arange(len(last)), 3).astype(np.int32),
        "position": np.tile(np.arange(3), len(last)).astype(np.int32),
        "token_ids": chosen,
        "token_bytes": content,
        "token_offsets": offsets,
    }
    return save_recording(folder, recording.manifest, recording.suite, recording.answers, {POSITIONS: arrays | changes})


def shared(one: ChosenLogits, other: ChosenLogits) -> tuple[np.ndarray, np.ndarray]:
    """The logits of both at the rows and tokens that both have, up to the constant of each row."""
    names = one.names(), other.names()
    rows, tokens = same_rows(*names), same_tokens(*names)
    sides = [side.logits[np.ix_(r, t)] for side, r, t in zip((one, other), rows, tokens, strict=True)]
    return sides[0] - sides[0].mean(axis=1, keepdims=True), sides[1] - sides[1].mean(axis=1, keepdims=True)


def test_a_full_recording_and_its_reduced_form_share_what_was_kept(full: Recording, tmp_path: Path) -> None:
    reduced = read(reduce_recording(full, tmp_path / "reduced"))
    ours, theirs = shared(read(full), reduced)
    assert ours.shape == (len(full.suite) - 1, len(VOCABULARY) - 2)  # but one canary, and id 0 and ""
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_positions_and_last_logits_share_the_last_row(full: Recording, tmp_path: Path) -> None:
    every = read(positions(full, tmp_path / "positions"))
    assert (every.rows[:, 1] == LAST).sum() == len(full.suite)
    assert len(every.rows) == 3 * len(full.suite)
    ours, theirs = shared(read(full), every)
    assert len(ours) == len(full.suite) - 1
    assert 38 <= ours.shape[1] <= 40
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_only_the_rows_after_whole_prompts(full: Recording, tmp_path: Path) -> None:
    only = last_logits(positions(full, tmp_path / "every"))
    assert isinstance(only, ChosenLogits)
    assert len(only.rows) == len(full.suite)
    assert set(only.rows[:, 1].tolist()) == {LAST}
    np.testing.assert_array_equal(read(full).logits, last_logits(full).logits)


def test_other_vocabularies_are_matched_by_spelling(full: Recording) -> None:
    elsewhere = replace(full, manifest=replace(full.manifest, tokenizer={}))
    ours, theirs = shared(read(full), read(elsewhere))
    assert ours.shape[1] == len({token for token in VOCABULARY if token})
    np.testing.assert_allclose(ours, theirs)


def test_what_has_no_such_logits_or_only_a_part_says_so(full: Recording, tmp_path: Path) -> None:
    for recording in (
        write_recording(tmp_path / "topk", MODEL, tier="topk"),
        positions(full, tmp_path / "cut", logits=np.zeros((3, 40), np.float16)),
        positions(full, tmp_path / "none", logits=np.zeros((0, 40), np.float16)),
    ):
        assert isinstance(chosen_logits(recording), Unfed)
