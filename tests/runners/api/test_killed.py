"""The real command, killed with SIGKILL at random moments and resumed: nothing is lost, or asked twice."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from probes.answer import Answer
from probes.journal import decode
from probes.recording import load_recording
from runners.api.custody import read_exchanges
from tests.endpoint import NAME, Endpoint
from tests.recordings import suite_of

ROOT = Path(__file__).resolve().parents[3]
SIZE, CONCURRENCY = 30, 3
RANDOM = random.Random(20_250_101)


@pytest.fixture
def command(url: str, endpoint: Endpoint, tmp_path: Path) -> list[str]:
    """The command; the same in every folder that it is given in."""
    endpoint.faults = lambda body, number: time.sleep(0.005)  # type: ignore[assignment, func-returns-value]
    suite = tmp_path / "tiny.jsonl"
    suite.write_text(suite_of(SIZE).to_jsonl(), "utf-8")
    words = ["backend=openai_api", f"backend.base_url={url}", "backend.api_key_env=null", f"candidate.model={NAME}"]
    words += [f"backend.concurrency={CONCURRENCY}", "suite=file", f"suite.path={suite}", "tier=text", "out=run"]
    return [sys.executable, "-m", "runners.cli", "collect", *words]


def start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def stored(folder: Path) -> set[tuple[str, int]]:
    """Keys of the answers in the journal; nothing if there is none."""
    found = set()
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / "run" / "journal.jsonl").read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                found |= {decode(entry["answer"]).key} if "answer" in entry else set()
    return found


def kill_at_random(process: subprocess.Popen[bytes], endpoint: Endpoint, before: int) -> None:
    """SIGKILL after a random number of its requests, or at a random moment of its last second."""
    requests, pause = RANDOM.randrange(0, 14), RANDOM.uniform(0, 0.05)
    while len(endpoint.asked) - before < requests and process.poll() is None:
        time.sleep(0.001)
        if len(stored_all := endpoint.asked) >= 5 * SIZE and len(stored_all) == before:
            pause = RANDOM.uniform(0.2, 2.0)  # everything is answered: it only writes
            break
    time.sleep(pause)
    process.kill()
    process.wait()


def question(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True)


def without_times(folder: Path) -> tuple[Any, ...]:
    """A recording with every time, and every hash of something with a time in it, taken out."""
    recording = load_recording(folder)
    manifest = json.loads(recording.manifest.to_json())
    for key in ("seconds", "started_at", "ended_at", "files"):
        manifest.pop(key)
    answers = [
        [getattr(answer, name) for name in Answer.__slots__ if name not in ("latency_ms", "asked_at")]
        for answer in recording.answers
    ]
    raw = []
    for exchange in read_exchanges(folder):
        line = exchange.to_line()
        for attempt in line["attempts"]:
            attempt["headers"].pop("date", None)
            attempt["headers"].pop("Date", None)
            attempt["latency_ms"] = attempt["asked_at"] = None
        raw.append(line)
    return manifest, answers, raw, (folder / "suite.jsonl").read_bytes(), sorted(os.listdir(folder))


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_again_and_again_it_loses_nothing_and_asks_nothing_twice(
    endpoint: Endpoint, command: list[str], tmp_path: Path, kills: int
) -> None:
    assert start(command, tmp_path / "undisturbed").wait() == 0
    undisturbed = Counter(map(question, endpoint.asked))
    assert len(endpoint.asked) == 5 * SIZE + 7
    endpoint.asked.clear()
    disturbed = tmp_path / "disturbed"
    questions = {
        e.key: question({"path": "/v1" + e.path, **e.request}) for e in read_exchanges(tmp_path / "undisturbed" / "run")
    }
    kept: dict[tuple[str, int], int] = {}  # how often what is stored had been asked by then
    for _ in range(kills):
        kill_at_random(start(command, disturbed), endpoint, len(endpoint.asked))
        while endpoint.under_way:
            time.sleep(0.001)
        asked = Counter(map(question, endpoint.asked))
        now = stored(disturbed)
        assert set(kept) <= now or (disturbed / "run" / "manifest.json").exists()
        assert {key: asked[questions[key]] for key in kept} == kept
        kept = {key: asked[questions[key]] for key in now}
    assert start(command, disturbed).wait() == 0
    asked = Counter(map(question, endpoint.asked))
    assert set(asked) == set(undisturbed)
    assert asked.total() - undisturbed.total() <= kills * CONCURRENCY
    assert without_times(disturbed / "run") == without_times(tmp_path / "undisturbed" / "run")
