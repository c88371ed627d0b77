"""Nothing is asked twice, nothing is lost, and two runs never mix."""

import json
from pathlib import Path
from typing import Any

import pytest

from probes.errors import RecordingError
from probes.manifest import Tier
from runners.record import plan
from tests.recordings import suite_of
from tests.scripted_backend import SUITE, Scripted, how, run, stop_at


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("tier", ["logits", "topk", "text"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("the engine died")], ids=["interrupt", "crash"])
def test_a_run_that_is_cut_short_goes_on_where_it_stopped(folder: Path, tier: Tier, error: BaseException) -> None:
    cut = Scripted(stop_at("c-003", error))
    with pytest.raises(type(error)):
        run(cut, folder, how(tier))
    assert cut.stopped == 1
    assert files(folder) == {"journal.jsonl", "journal.logits", "journal.positions"}
    rest = Scripted()
    resumed = run(rest, folder, how(tier))
    whole = run(Scripted(), folder.with_name("whole"), how(tier))
    assert resumed.answers == whole.answers
    assert [*cut.asked[:-1], *rest.asked] == [(r.canary.id, r.draw) for r in plan(SUITE, how(tier), "x")]
    assert (folder / "answers.parquet").read_bytes() == (whole.folder / "answers.parquet").read_bytes()
    assert files(folder) == files(whole.folder)
    if tier == "logits":
        assert (folder / "logits.safetensors").read_bytes() == (whole.folder / "logits.safetensors").read_bytes()


def test_the_time_of_all_runs_is_added_up(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Scripted(stop_at("c-003", KeyboardInterrupt())), folder)
    lines = (folder / "journal.jsonl").read_text("utf-8").splitlines()
    rewritten = [json.dumps(json.loads(line) | ({"seconds": 100.0} if "answer" in line else {})) for line in lines]
    (folder / "journal.jsonl").write_text("\n".join(rewritten) + "\n", "utf-8")
    assert 100 <= run(Scripted(), folder).manifest.seconds < 160


def test_a_finished_recording_is_not_asked_again(folder: Path) -> None:
    first = run(Scripted(), folder)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = Scripted()
    assert run(again, folder).manifest == first.manifest
    assert (again.started, again.asked) == (0, [])
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


ANOTHER: list[tuple[str, dict[str, Any]]] = [
    ("candidate", {"name": "another"}),
    ("model", {"backend": Scripted(model="org/another")}),
    ("backend", {"backend": Scripted(name="another")}),
    ("suite_sha256", {"suite": suite_of(6)}),
    ("tier", {"sampling": how("topk")}),
    ("sampling", {"sampling": how(seed=1)}),
    ("sampling", {"sampling": how(logits_dtype="float32")}),
    ("sampling", {"backend": Scripted(system_prompt="Be brief.")}),
    ("sampling", {"backend": Scripted(chat_template="{{ x }}")}),
]


@pytest.mark.parametrize(("named", "change"), ANOTHER)
def test_another_runs_recording_is_refused_finished_or_not(folder: Path, named: str, change: dict[str, Any]) -> None:
    run(Scripted(), folder)
    unfinished = folder.with_name("unfinished")
    with pytest.raises(KeyboardInterrupt):
        run(Scripted(stop_at("c-002", KeyboardInterrupt())), unfinished)
    for place, said in ((folder, rf"holds another recording \(.*{named}.* differ\)"), (unfinished, "something else")):
        before = {path.name: path.read_bytes() for path in place.iterdir()}
        other = {"backend": Scripted(), **change}
        with pytest.raises(RecordingError, match=said):
            run(folder=place, **other)
        assert other["backend"].asked == []
        assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_other_engine_arguments_are_another_run(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Scripted(stop_at("c-002", KeyboardInterrupt()), engine={"dtype": "bfloat16"}), folder)
    with pytest.raises(RecordingError, match="something else"):
        run(Scripted(engine={"dtype": "float32"}), folder)


def test_settings_that_a_tier_does_not_use_make_no_other_run(folder: Path) -> None:
    run(Scripted(), folder, how("topk"))
    again = Scripted()
    run(again, folder, how("topk", logits_dtype="float32"))
    assert again.started == 0


@pytest.mark.parametrize("foreign", ["notes.txt", ".hidden", "answers.parquet"])
def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(folder: Path, foreign: str) -> None:
    folder.mkdir()
    (folder / foreign).write_text("mine")
    backend = Scripted()
    with pytest.raises(RecordingError, match="holds something that is not a recording; choose another 'out'"):
        run(backend, folder)
    assert backend.started == 0
    assert files(folder) == {foreign}
    with pytest.raises(RecordingError, match="not a recording"):
        run(backend, folder / foreign)


def test_a_damaged_recording_is_not_overwritten(folder: Path) -> None:
    run(Scripted(), folder)
    (folder / "answers.parquet").write_bytes(b"")
    with pytest.raises(RecordingError, match=r"answers\.parquet is not what its manifest says"):
        run(Scripted(), folder)
