"""A recording on disk: what goes in comes out, and nothing that was damaged is taken for an answer."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

import probes.write_whole
from probes.answer import Answer
from probes.answer_table import answer_schema
from probes.errors import KinprintError, RecordingError
from probes.recording import (
    LOGITS,
    POSITIONS,
    Recording,
    file_sha256,
    folder_name,
    load_recording,
    save_recording,
)
from probes.spelling import join_bytes
from tests.recordings import logits_arrays, manifest, suite_of

SUITE = suite_of(3)
ANSWERS = (
    Answer(
        "c-000", 0, "ok", "\x00 nul, é, 🙂\u2028\r\n", (1, 2), (b"\xff\xfe", b""), (7, 8), (b" a", b""), (-0.5, -np.inf)
    ),
    Answer("c-000", 1, "error", None, error="timed out", latency_ms=0.25, asked_at="2025-01-01T00:00:00Z"),
    Answer("c-001", 0, "empty", "", (), (), (), (), (), (-1.5,), 12, 0, "stop"),
    Answer("c-002", 0, "ok", "x" * 5000),
)
ROWS = np.array([[1.0, 2.0, -np.inf], [0.5, 0.25, 3.0]], np.float16)


@pytest.fixture
def recording(folder: Path) -> Recording:
    arrays = {LOGITS: logits_arrays(ROWS, (b"a", b"", b"\xff"))}
    return save_recording(folder, manifest(SUITE, candidate="org/model", tier="logits"), SUITE, ANSWERS, arrays)


def test_what_goes_in_comes_out(recording: Recording) -> None:
    loaded = load_recording(recording.folder)
    assert loaded.answers == ANSWERS
    assert (loaded.manifest, loaded.suite) == (recording.manifest, SUITE)
    assert loaded.logits is not None
    for key, array in logits_arrays(ROWS, (b"a", b"", b"\xff")).items():
        np.testing.assert_array_equal(loaded.logits[key], array)
        assert loaded.logits[key].dtype == array.dtype
    assert loaded.reduced is None


def test_answers_are_kept_in_the_order_of_the_suite_then_by_draw(folder: Path) -> None:
    save_recording(folder, manifest(SUITE), SUITE, ANSWERS[::-1], {})
    assert load_recording(folder).answers == ANSWERS


def test_a_recording_without_the_columns_that_came_later_is_read(recording: Recording) -> None:
    """The shipped references, and whatever people recorded before, have fewer columns."""
    path = recording.folder / "answers.parquet"
    parquet.write_table(parquet.read_table(path).drop_columns(["prompt_token_bytes"]), path)
    assert replace(recording).answers == ANSWERS


def test_positions_are_read_with_their_places(folder: Path) -> None:
    content, offsets = join_bytes([b"a", b" b"])
    arrays = {
        "logits": ROWS[:, :2],
        "canary_index": np.array([0, 2], np.int32),
        "position": np.array([3, 0], np.int32),
        "token_ids": np.array([7, 5], np.int32),
        "token_bytes": content,
        "token_offsets": offsets,
    }
    loaded = load_recording(save_recording(folder, manifest(SUITE), SUITE, ANSWERS, {POSITIONS: arrays}).folder)
    assert loaded.positions is not None
    for key, array in arrays.items():
        np.testing.assert_array_equal(loaded.positions[key], array)
    assert loaded.logits is None


def test_only_usable_answers_are_offered(recording: Recording) -> None:
    assert set(recording.greedy) == {"c-000", "c-002"}
    assert recording.draws == {}


def test_the_manifest_comes_last_and_vouches_for_all_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_cut(source: Path, target: Path) -> None:
        files = json.loads(Path(source).read_text("utf-8"))["files"]
        assert {path.name for path in folder.iterdir()} == {*files, Path(source).name}
        assert {name: file_sha256(folder / name) for name in files} == files
        raise KeyboardInterrupt

    monkeypatch.setattr(probes.write_whole.os, "replace", power_cut)
    with pytest.raises(KeyboardInterrupt):
        save_recording(folder, manifest(SUITE), SUITE, ANSWERS, {LOGITS: logits_arrays(ROWS, (b"a", b"b", b"c"))})
    with pytest.raises(RecordingError, match=r"no manifest\.json"):
        load_recording(folder)


def test_recordings_of_a_library_can_share_their_suite(folder: Path) -> None:
    arrays = {LOGITS: logits_arrays(ROWS, (b"a", b"b", b"c"))}
    for name in ("one", "other"):
        save_recording(folder / name, manifest(SUITE), SUITE, ANSWERS, arrays, shared_suite=True)
    [shared] = (folder / "suites").iterdir()
    assert load_recording(folder / "one").suite == load_recording(folder / "other").suite == SUITE
    shared.write_text(SUITE.to_jsonl().replace("because", "for another reason"), "utf-8")
    with pytest.raises(RecordingError, match="not the suite that was asked"):
        load_recording(folder / "one")
    shared.unlink()
    with pytest.raises(RecordingError, match=r"the suite of .* is missing"):
        load_recording(folder / "one")


def rewrite(folder: Path, **changes: Any) -> None:
    """Change the manifest, so that it vouches for the files as they are now."""
    values = json.loads((folder / "manifest.json").read_text("utf-8"))
    values["files"] = {name: file_sha256(folder / name) for name in values["files"] if (folder / name).is_file()}
    (folder / "manifest.json").write_text(json.dumps(values | changes), "utf-8")


def flip(name: str, place: int = 40) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[place] ^= 0xFF
        (folder / name).write_bytes(content)

    return damage


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-9]) and None


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def vouched(name: str, content: bytes) -> Callable[[Path], None]:
    """Content that the manifest's hash fits: written wrongly, not damaged later."""

    def damage(folder: Path) -> None:
        (folder / name).write_bytes(content)
        rewrite(folder)

    return damage


def table(columns: dict[str, list[Any]], schema: Any = None) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        parquet.write_table(pyarrow.table(columns, schema), folder / "answers.parquet")
        rewrite(folder)

    return damage


def answers(*rows: dict[str, Any]) -> Callable[[Path], None]:
    """A table with all the columns, and with rows that no recording would have."""
    schema = answer_schema()
    whole = [{"canary_id": "c-000", "draw": 0, "status": "ok"} | row for row in rows]
    return table({name: [row.get(name) for row in whole] for name in schema.names}, schema)


def with_manifest(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, **changes)


def outside(folder: Path) -> None:
    """A file that is there and vouched for, but not inside."""
    other = folder.with_suffix(".txt")
    other.write_text("mine")
    files = json.loads((folder / "manifest.json").read_text("utf-8"))["files"]
    rewrite(folder, files={**files, f"../{other.name}": file_sha256(other)})


def without_key(folder: Path) -> None:
    values = json.loads((folder / "manifest.json").read_text("utf-8"))
    del values["tier"]
    (folder / "manifest.json").write_text(json.dumps(values), "utf-8")


def use(folder: Path) -> tuple[Any, ...]:
    recording = load_recording(folder)
    return recording.answers, recording.logits, recording.manifest.seconds + 1


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        *((kind(name), name) for name in ("answers.parquet", LOGITS, "suite.jsonl") for kind in (flip, cut, remove)),
        (cut("manifest.json"), r"manifest\.json is not JSON"),
        (remove("manifest.json"), r"is not a recording \(it has no manifest\.json\)"),
        (flip("manifest.json"), r"manifest\.json is not JSON in UTF-8"),
        (without_key, r"manifest\.json is not the manifest"),
        (vouched("answers.parquet", b"PAR1 nonsense PAR1"), r"answers\.parquet can't be read"),
        (vouched("answers.parquet", b""), r"answers\.parquet can't be read"),
        (table({"draw": ["x"]}), r"answers\.parquet has other columns"),
        (table({"x": [1]}), r"answers\.parquet has other columns"),
        (table({"canary_id": ["c-000"], "draw": [0], "status": ["ok"]}), r"answers\.parquet has other columns"),
        (answers({"status": "fine"}), r"answers\.parquet has an answer that fits no canary or status"),
        (answers({"status": None}), r"answers\.parquet has an answer that fits no canary or status"),
        (answers({"canary_id": "c-900"}), r"answers\.parquet has an answer that fits no canary .*'c-900'"),
        (answers({}, {"draw": 1}, {}), r"answers\.parquet has two answers to one draw"),
        (vouched(LOGITS, b"\xff" * 20), rf"{LOGITS} can't be read"),
        (vouched("suite.jsonl", suite_of(4).to_jsonl().encode()), r"suite\.jsonl is not the suite that was asked"),
        (with_manifest(schema=2), r"manifest\.json has schema 2, this version reads schema 1"),
        (with_manifest(tier="telepathy"), r"manifest\.json has a 'tier' of the wrong kind: 'telepathy'"),
        (outside, r"recording\.txt is missing"),
        (with_manifest(files={"../answers.parquet": "0"}), r"manifest\.json does not list answers\.parquet"),
        (with_manifest(files={}), r"manifest\.json does not list answers\.parquet"),
        (with_manifest(files=["suite.jsonl"]), r"manifest\.json has a 'files' of the wrong kind"),
        (with_manifest(suite="core"), r"manifest\.json has a 'suite' of the wrong kind"),
        (with_manifest(suite={}), r"manifest\.json has a 'suite' of the wrong kind"),
        (with_manifest(tier=["topk"]), r"manifest\.json has a 'tier' of the wrong kind"),
        (with_manifest(seconds="long"), r"manifest\.json has a 'seconds' of the wrong kind"),
    ],
)
def test_damage_is_named(recording: Recording, damage: Callable[[Path], None], named: str) -> None:
    damage(recording.folder)
    with pytest.raises(RecordingError, match=named) as told:
        use(recording.folder)
    assert str(recording.folder) in str(told.value)


@pytest.mark.parametrize(
    ("journal", "said"),
    [
        (None, "there is no recording at"),
        ('{"header": {"candidate": "org/model"}}\n', "is unfinished; run the same 'kinprint collect' again"),
        ("", "is unfinished"),
        ('{"head', "is unfinished"),
    ],
)
def test_an_unfinished_recording_is_told_from_none(folder: Path, journal: str | None, said: str) -> None:
    if journal is not None:
        folder.mkdir()
        (folder / "journal.jsonl").write_text(journal, "utf-8")
    with pytest.raises(RecordingError, match=said):
        load_recording(folder)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.text(max_size=20).filter(str.isascii))
@example("..", "a")
@example(".", "a")
@example("", "a")
def test_every_candidate_has_a_folder_of_its_own_inside(one: str, other: str) -> None:
    root = Path("/recordings")
    try:
        folder = (root / folder_name(one)).resolve()
    except KinprintError:
        return
    assert folder.parent == root
    assert (folder_name(one) == folder_name(other)) == (one == other)


def test_folders_can_be_read_by_people() -> None:
    assert folder_name("Qwen/Qwen2.5-7B (4 bit)") == "Qwen%2FQwen2.5-7B (4 bit)"
    assert folder_name("../up") == "..%2Fup"
    assert folder_name("a%2Fb\x00é") == "a%252Fb%00%C3%A9"


def test_half_a_surrogate_pair_becomes_a_question_mark(folder: Path) -> None:
    # some servers cut an answer there; the rest of it is worth keeping
    given = [replace(ANSWERS[0], text="é\ud800"), replace(ANSWERS[1], error="\udc00 timed out")]
    save_recording(folder, manifest(SUITE), SUITE, given, {})
    kept = load_recording(folder).answers
    assert kept == (replace(given[0], text="é?"), replace(given[1], error="? timed out"))
