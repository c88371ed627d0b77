"""A batch of real models through a real Slurm: a job each, one killed in the middle, and what is missing resumed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from probes.journal import LINES
from probes.recording import load_recording
from runners.backends.interface import utc_now
from runners.batch.summary import load_summary
from tests.small_models import small_model

KILLED = "second"
_LAYERS = {"first": 2, KILLED: 100, "third": 2}  # so many take half a minute: time to signal
_PATIENCE = 1800.0  # seconds


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small models, one of them slow, and one that is not there."""
    folder = tmp_path_factory.mktemp("candidates")
    rows = ["name,model,hours"]
    for seed, (name, layers) in enumerate(_LAYERS.items()):
        rows.append(f"{name},{small_model(folder / name, layers=layers, seed=seed)},0.5")
    rows.append(f"absent,{folder / 'nowhere'},0.5")
    file = folder / "candidates.csv"
    file.write_text("\n".join(rows) + "\n", "utf-8")
    return file


def command(candidates: Path, batch: Path) -> list[str]:
    asked = [f"candidates={candidates}", f"batch={batch}", "tier=topk", "suite=core", "backend=transformers"]
    where = ["launcher=slurm", "launcher.cpus=1", "launcher.poll_seconds=1", "launcher.gpus=0"]
    return [sys.executable, "-m", "runners.cli", "collect", "-m", *asked, *where]


def begun(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def well_under_way(batch: Path, name: str, head: subprocess.Popen[str]) -> int:
    """Wait until a candidate has answered something; how many answers are in its journal."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and head.poll() is None:
        for journal in batch.glob(f"recordings/{name}-*/{LINES}"):
            answers = len(journal.read_bytes().splitlines())
            if answers > 20:
                return answers
        time.sleep(0.05)
    raise AssertionError(f"it was never under way: {head.communicate(timeout=60)}")


def number_of(batch: Path, name: str) -> str:
    """The job of a candidate: those of an array stand in the order of the file."""
    place = [*_LAYERS, "absent"].index(name)
    [number] = [one for one in queued("--array", "--format=%i") if one.endswith(f"_{place}")]
    return number


def test_a_killed_job_fails_alone_and_is_gone_on_with(candidates: Path, tmp_path: Path) -> None:
    batch = tmp_path / "batch"
    with subprocess.Popen(
        command(candidates, batch), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as head:
        answers = well_under_way(batch, KILLED, head)
        number = number_of(batch, KILLED)
        subprocess.run(["scancel", "--signal=KILL", "--full", number], check=True)
        _, said = head.communicate(timeout=_PATIENCE)
    assert head.returncode == 1, said
    first = {line.candidate: line for line in load_summary(batch, "collect")}
    assert [line.status for line in first.values()] == ["done", "failed", "done", "failed"]
    assert f"Slurm ended job {number} before it was done" in first[KILLED].why
    assert "there is no model at" in first["absent"].why
    assert "2 of 4 failed" in said

    resumed_at = utc_now()
    again = subprocess.run(command(candidates, batch), capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert "4 in this batch, 2 to do" in again.stderr
    second = {line.candidate: line for line in load_summary(batch, "collect")}
    assert [line.status for line in second.values()] == ["there", "done", "there", "failed"]
    recording = load_recording(second[KILLED].out)
    assert {answer.status for answer in recording.answers} == {"ok"}
    before = [one for one in recording.answers if one.asked_at and one.asked_at < resumed_at]
    assert len(recording.answers) > len(before) >= answers - 2  # the last lines may have been cut short
    assert json.loads((Path(second["first"].out) / "manifest.json").read_text("utf-8"))["counts"]["ok"]


def test_a_preempted_job_is_put_back_and_goes_on(candidates: Path, tmp_path: Path) -> None:
    batch, one = tmp_path / "batch", tmp_path / "one.csv"
    header, _, slow, *_ = candidates.read_text("utf-8").splitlines()
    one.write_text(f"{header}\n{slow}\n", "utf-8")
    with begun(command(one, batch)) as head:
        answers = well_under_way(batch, KILLED, head)
        [number] = queued("--format=%i")
        subprocess.run(["scancel", "--signal=USR2", number], check=True)
        preempted_at = utc_now()
        _, said = head.communicate(timeout=_PATIENCE)
    assert head.returncode == 0, said
    [line] = load_summary(batch, "collect")
    recording = load_recording(line.out)
    before = [one for one in recording.answers if one.asked_at and one.asked_at < preempted_at]
    assert len(recording.answers) > len(before) >= answers - 2
    [log] = (batch / "jobs" / "slurm").glob("*_log.err")
    assert "Caught signal SIGUSR2" in log.read_text("utf-8")


def test_an_interrupted_batch_takes_its_jobs_back(candidates: Path, tmp_path: Path) -> None:
    batch = tmp_path / "batch"
    with subprocess.Popen(
        command(candidates, batch), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as head:
        deadline = time.monotonic() + _PATIENCE
        while not queued() and time.monotonic() < deadline:
            time.sleep(0.2)
        head.terminate()
        head.communicate(timeout=60)
    assert head.returncode == 143
    deadline = time.monotonic() + 60
    while queued() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert queued() == []
    assert {line.status for line in load_summary(batch, "collect")} == {"failed"}


def test_what_slurm_refuses_is_one_sentence(candidates: Path, tmp_path: Path) -> None:
    refused = [*command(candidates, tmp_path / "batch"), "launcher.partition=nowhere"]
    done = subprocess.run(refused, capture_output=True, text=True, timeout=_PATIENCE, check=False, env={**os.environ})
    assert done.returncode == 2
    assert "Slurm takes no job with" in done.stderr.splitlines()[-1]


def queued(*how: str) -> list[str]:
    return subprocess.run(["squeue", "--me", "--noheader", *how], capture_output=True, text=True).stdout.split()
