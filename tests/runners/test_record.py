"""Asking and keeping: what is asked, what is kept of the answers, and what of failures."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from probes.errors import CandidateError, KinprintError
from probes.recording import load_recording
from probes.suite import Suite
from runners.backends.interface import seed_of
from runners.record import command_line, plan
from runners.run_header import header_of
from tests.recordings import canary
from tests.scripted_backend import SUITE, Scripted, failing, how, run


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_plan_asks_greedily_first_and_samples_only_for_text() -> None:
    suite = Suite("s", (canary(0, draws=2), canary(1, draws=1)))
    assert [(r.canary.id, r.draw) for r in plan(suite, how("topk"), "x")] == [("c-000", 0), ("c-001", 0)]
    asked = [(r.canary.id, r.draw) for r in plan(suite, how("text"), "x")]
    assert asked == [("c-000", 0), ("c-001", 0), ("c-000", 1), ("c-000", 2), ("c-001", 1)]
    assert len({r.seed for r in plan(suite, how("text"), "x")}) == 5


def test_without_draws_text_is_greedy_answers_alone() -> None:
    suite = Suite("s", (canary(0, draws=2), canary(1, draws=1)))
    asked = how("text", draws=False)
    assert [(r.canary.id, r.draw) for r in plan(suite, asked, "x")] == [("c-000", 0), ("c-001", 0)]
    kept = header_of(Scripted(), suite, asked, "x", None)["sampling"]
    assert kept["draws"] is False
    assert "draws" not in header_of(Scripted(), suite, how("text"), "x", None)["sampling"]  # an old run goes on


def test_with_draws_every_tier_samples_too() -> None:
    suite = Suite("s", (canary(0, draws=2), canary(1, draws=1)))
    assert plan(suite, how("logits", draws=True), "x") == plan(suite, how("text"), "x")
    assert plan(suite, how("logits", draws=True), "x", draws=False) == plan(suite, how("logits"), "x")


def test_seeds_belong_to_candidate_prompt_and_draw_and_not_to_the_order() -> None:
    """Models that shared their random numbers would draw the same words wherever they share a vocabulary."""
    assert seed_of(0, "x", canary(1), 2) == seed_of(0, "x", canary(1, id="other", draws=9), 2)
    keys = [(run, name, n, d) for run in (0, 1) for name in ("x", "y") for n in (1, 2) for d in (0, 1)]
    assert len({seed_of(run, name, canary(n), d) for run, name, n, d in keys}) == 16


def test_what_was_answered_is_what_is_kept(folder: Path) -> None:
    recording = load_recording(run(Scripted(), folder).folder)
    assert [answer.key for answer in recording.answers] == [(asked.id, 0) for asked in SUITE.canaries]
    assert recording.logits is not None
    np.testing.assert_array_equal(recording.logits["logits"][:, 0], range(5))
    made = recording.manifest
    assert (made.candidate, made.backend, made.model, made.tier) == ("mine", "scripted", "org/scripted", "logits")
    assert made.counts == {"ok": 5, "empty": 0, "refused": 0, "no_logprobs": 0, "error": 0}
    assert (made.queries, made.prompt_tokens, made.completion_tokens) == (5, 35, 10)
    assert made.made_by["command"] == "a test"
    assert made.started_at <= made.ended_at
    assert files(folder) == {"manifest.json", "suite.jsonl", "answers.parquet", "logits.safetensors"}


def test_a_model_that_gives_errors_only_is_told_and_leaves_nothing(folder: Path) -> None:
    backend = Scripted(failing(*(asked.id for asked in SUITE.canaries)))
    with pytest.raises(CandidateError, match=r"mine gave no usable answer to .* queries: the server said 500"):
        run(backend, folder)
    assert backend.stopped == 1
    assert not folder.exists()


def test_how_many_queries_went_wrong_is_said(folder: Path) -> None:
    with pytest.raises(CandidateError, match="no usable answer to 5 queries"):
        run(Scripted(failing(*(asked.id for asked in SUITE.canaries))), folder)


def test_no_parent_folders_are_left_either(tmp_path: Path) -> None:
    with pytest.raises(CandidateError):
        run(Scripted(failing(*(asked.id for asked in SUITE.canaries))), tmp_path / "a" / "b" / "c")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_cannot_start_leaves_nothing(folder: Path) -> None:
    class Broken(Scripted):
        def __enter__(self) -> Self:
            raise CandidateError("no such model")

    with pytest.raises(CandidateError, match="no such model"):
        run(Broken(), folder)
    assert not folder.exists()


def test_some_errors_are_kept_and_have_no_logits(folder: Path) -> None:
    recording = run(Scripted(failing("c-001", "c-004")), folder)
    assert recording.manifest.counts["error"] == 2
    assert [answer.status for answer in recording.answers] == ["ok", "error", "ok", "ok", "error"]
    assert recording.logits is not None
    np.testing.assert_array_equal(recording.logits["logits"][:, 0], [0, 2, 3])


@pytest.mark.parametrize(
    "changes",
    [
        {"tier": "telepathy"},
        {"logits_dtype": "int8"},
        {"top_k": 0},
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"top_p": float("nan")},
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(KinprintError, match="tier"):
        how(**changes)


def test_the_command_is_written_down() -> None:
    assert command_line("collect", ["out=x", "seed=1"])["command"] == "kinprint collect out=x seed=1"
