"""The journal: whenever the run is killed, what was stored is there again and the rest is asked again."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.answer import STATUSES, Answer
from probes.errors import RecordingError
from probes.journal import LINES, ROWS, Journal, decode, encode

HEADER: dict[str, Any] = {"candidate": "é中", "sampling": {"seed": 0, "temperature": 1.0, "system_prompt": None}}
ANSWERS = [
    Answer("a", 0, "ok", "one\u2028\r\n\x00 é", (1, 2), (b"\xff", b""), (3,), (b" x",), (-0.5,), None, 4, 2, "stop"),
    Answer("b", 0, "empty", ""),
    Answer("c", 0, "ok", "three", topk_ids=(), latency_ms=0.25, asked_at="2025-01-01T00:00:00Z"),
]
LOGITS = {"a": np.array([1, 2, 3], np.float32), "c": np.array([-1, 0, np.inf], np.float32)}


def journal(folder: Path, header: dict[str, Any] = HEADER) -> Journal:
    return Journal(folder, header, vocab_size=3)


def write(folder: Path, answers: list[Answer]) -> None:
    with journal(folder) as opened:
        for number, answer in enumerate(answers, start=1):
            if answer.key not in opened.answers:
                opened.add(answer, LOGITS.get(answer.canary_id), seconds=float(number))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def restore(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_what_was_stored_is_read_again(folder: Path) -> None:
    write(folder, ANSWERS)
    with journal(folder) as opened:
        assert list(opened.answers.values()) == ANSWERS
        assert opened.seconds == 3.0
        np.testing.assert_array_equal(opened.logits(["c", "a"]), [LOGITS["c"], LOGITS["a"]])


@pytest.mark.parametrize("kept", [0, 2], ids=["header", "last answer"])
def test_a_cut_at_any_byte_costs_only_the_line_being_written(folder: Path, kept: int) -> None:
    write(folder, ANSWERS)
    whole = contents(folder)
    lines = whole[LINES].splitlines(keepends=True)
    start, end = sum(map(len, lines[: kept and kept + 1])), sum(map(len, lines[: kept + 2 if kept else 1]))
    for length in range(start, end):
        restore(folder, whole | {LINES: whole[LINES][:length]})
        with journal(folder) as opened:
            assert list(opened.answers.values()) == ANSWERS[:kept], f"cut at byte {length}"
        write(folder, ANSWERS)
        assert contents(folder) == whole, f"cut at byte {length}"


def test_rows_of_positions_are_kept_by_canary(folder: Path) -> None:
    rows = {"a": np.array([[1, 2], [3, 4]], np.float32), "c": np.array([[5, 6]], np.float32)}
    with Journal(folder, HEADER, n_chosen=2) as opened:
        for answer in ANSWERS:
            opened.add(answer, positions=rows.get(answer.canary_id))
    with Journal(folder, HEADER, n_chosen=2) as opened:
        assert {name: len(places) for name, places in opened.positions.items()} == {"a": 2, "c": 1}
        np.testing.assert_array_equal(opened.position_logits(["c", "a"]), [[5, 6], [1, 2], [3, 4]])


@pytest.mark.parametrize("lost", [1, 8, 9])
def test_a_line_whose_positions_are_lost_is_asked_again(folder: Path, lost: int) -> None:
    with Journal(folder, HEADER, n_chosen=2) as opened:
        for answer in (ANSWERS[0], ANSWERS[2]):
            opened.add(answer, positions=np.ones((2, 2), np.float32))
    path = folder / "journal.positions"
    path.write_bytes(path.read_bytes()[:-lost])
    with Journal(folder, HEADER, n_chosen=2) as opened:
        assert list(opened.answers) == [("a", 0)]
        opened.add(ANSWERS[2], positions=np.full((1, 2), 9, np.float32))
        np.testing.assert_array_equal(opened.position_logits(["a", "c"]), [[1, 1], [1, 1], [9, 9]])


@pytest.mark.parametrize("torn", [0, 1, 11], ids=["row and no line", "a byte of a row", "most of a row"])
def test_a_row_that_no_line_counts_on_is_dropped(folder: Path, torn: int) -> None:
    write(folder, ANSWERS[:2])
    rows = contents(folder)[ROWS]
    (folder / ROWS).write_bytes(rows + bytes([7] * (torn or 12)))
    with journal(folder) as opened:
        opened.add(ANSWERS[2], LOGITS["c"])
        np.testing.assert_array_equal(opened.logits(["a", "c"]), [LOGITS["a"], LOGITS["c"]])


def test_a_line_whose_row_is_lost_is_asked_again(folder: Path) -> None:
    write(folder, ANSWERS)
    whole = contents(folder)
    for length in range(12, 24):
        restore(folder, whole | {ROWS: whole[ROWS][:length]})
        with journal(folder) as opened:
            assert list(opened.answers) == [("a", 0), ("b", 0)]
        write(folder, ANSWERS)
        assert contents(folder) == whole


@pytest.mark.parametrize("change", [{"candidate": "e"}, {"sampling": {"seed": 1}}, {"more": 1}])
def test_another_runs_journal_is_refused_and_left_alone(folder: Path, change: dict[str, Any]) -> None:
    write(folder, ANSWERS)
    before = contents(folder)
    with (
        pytest.raises(RecordingError, match="unfinished recording of something else"),
        journal(folder, HEADER | change),
    ):
        pass
    assert contents(folder) == before


@pytest.mark.parametrize(
    "damage",
    [
        b"{]\n",
        b"\xff\xfe\n",
        b"[]\n",
        b'{"answer": {"x": 1}}\n',
    ],
)
def test_damage_inside_is_told_and_not_skipped(folder: Path, damage: bytes) -> None:
    write(folder, ANSWERS[:1])
    (folder / LINES).write_bytes(contents(folder)[LINES] + damage + b"{}\n")
    with pytest.raises(RecordingError, match=r"journal\.jsonl is damaged"), journal(folder):
        pass


def test_nothing_is_left_of_a_run_that_failed_before_its_first_answer(folder: Path) -> None:
    with pytest.raises(ValueError, match="no engine"), journal(folder):
        raise ValueError("no engine")
    assert not folder.exists()
    folder.mkdir()
    with pytest.raises(ValueError, match="no engine"), journal(folder):
        raise ValueError("no engine")
    assert list(folder.iterdir()) == []  # the caller made the folder; it stays


def test_a_run_that_failed_later_leaves_what_it_stored(folder: Path) -> None:
    def interrupted() -> None:
        with journal(folder) as opened:
            opened.add(ANSWERS[0], LOGITS["a"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with journal(folder) as opened:
        assert list(opened.answers.values()) == ANSWERS[:1]


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
some_answers = st.builds(
    Answer,
    canary_id=TEXT,
    draw=st.integers(0, 99),
    status=st.sampled_from(STATUSES),
    text=maybe(TEXT),
    token_ids=maybe(st.lists(st.integers(0, 2**31 - 1)).map(tuple)),
    token_bytes=maybe(st.lists(st.binary()).map(tuple)),
    topk_bytes=maybe(st.lists(st.binary()).map(tuple)),
    topk_logprobs=maybe(st.lists(st.floats(allow_nan=False)).map(tuple)),
    error=maybe(TEXT),
    latency_ms=maybe(st.floats(0, 1e6)),
)


@given(some_answers)
def test_any_answer_survives_a_line(answer: Answer) -> None:
    assert decode(encode(answer)) == answer


def test_half_a_surrogate_pair_is_stored_too(folder: Path) -> None:
    # some servers cut an answer there; no file could hold it as UTF-8
    broken = Answer("a", 0, "ok", "x\ud83d", error="\ude00")
    write(folder, [broken])
    with journal(folder) as opened:
        assert list(opened.answers.values()) == [broken]


def test_a_line_is_plain_json_without_empty_keys() -> None:
    assert encode(replace(ANSWERS[1], token_bytes=(b"\xff",))) == {
        "canary_id": "b",
        "draw": 0,
        "status": "empty",
        "text": "",
        "token_bytes": [base64.b64encode(b"\xff").decode()],
    }
