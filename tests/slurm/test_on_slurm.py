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
from runners.batch.summary import load_summary
from tests.small_models import small_model

KILLED = "second"
_PATIENCE = 1800.0  # seconds


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small models, and one that is not there."""
    folder = tmp_path_factory.mktemp("candidates")
    rows = ["name,model,hours"]
    for seed, name in enumerate(("first", KILLED, "third")):
        rows.append(f"{name},{small_model(folder / name, layers=2, seed=seed)},0.5")
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


def kill_in_the_middle(batch: Path, head: subprocess.Popen[str]) -> tuple[str, int]:
    """Kill the job of one candidate once it has asked something; its number, and how many answers were there."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and head.poll() is None:
        for journal in batch.glob(f"recordings/{KILLED}-*/{LINES}"):
            answers = len(journal.read_bytes().splitlines())
            if answers > 20:
                number = number_of(batch, KILLED)
                subprocess.run(["scancel", "--signal=KILL", "--full", number], check=True)
                return number, answers
        time.sleep(0.05)
    raise AssertionError(f"there was nothing to kill: {head.communicate(timeout=60)}")


def number_of(batch: Path, name: str) -> str:
    """The job of a candidate: those of an array stand in the order of the file."""
    listed = subprocess.run(["squeue", "--me", "--array", "--noheader", "--format=%i"], capture_output=True, text=True)
    place = ["first", KILLED, "third", "absent"].index(name)
    [number] = [one for one in listed.stdout.split() if one.endswith(f"_{place}")]
    return number


def test_a_killed_job_fails_alone_and_is_gone_on_with(candidates: Path, tmp_path: Path) -> None:
    batch = tmp_path / "batch"
    with subprocess.Popen(
        command(candidates, batch), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as head:
        number, answers = kill_in_the_middle(batch, head)
        _, said = head.communicate(timeout=_PATIENCE)
    assert head.returncode == 1, said
    first = {line.candidate: line for line in load_summary(batch, "collect")}
    assert [line.status for line in first.values()] == ["done", "failed", "done", "failed"]
    assert f"Slurm ended job {number} before it was done" in first[KILLED].why
    assert "there is no model at" in first["absent"].why
    assert "2 of 4 failed" in said

    resumed_at = time.time()
    again = subprocess.run(command(candidates, batch), capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert "4 in this batch, 2 to do" in again.stderr
    second = {line.candidate: line for line in load_summary(batch, "collect")}
    assert [line.status for line in second.values()] == ["there", "done", "there", "failed"]
    recording = load_recording(second[KILLED].out)
    assert {answer.status for answer in recording.answers} == {"ok"}
    before = [one for one in recording.answers if one.asked_at and one.asked_at < stamp(resumed_at)]
    assert len(recording.answers) > len(before) >= answers - 2  # the last lines may have been cut short
    assert json.loads((Path(second["first"].out) / "manifest.json").read_text("utf-8"))["counts"]["ok"]


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


def queued() -> list[str]:
    return subprocess.run(["squeue", "--me", "--noheader"], capture_output=True, text=True).stdout.split()


def stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
