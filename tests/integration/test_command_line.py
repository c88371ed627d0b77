"""The command line on a real model: from any directory, with awkward paths, and stopped in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from probes.recording import load_recording
from runners.zoo.fetch import fetch

pytestmark = pytest.mark.engine
KINPRINT = [sys.executable, "-m", "runners.cli"]


@pytest.fixture
def anywhere(tmp_path: Path) -> Path:
    """A directory that is not the project's, with a name that needs care; the model is linked into it."""
    here = tmp_path / "a place = (mine)"
    here.mkdir()
    (here / "the model = x").symlink_to(fetch("smollm2"))
    return here


def kinprint(here: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*KINPRINT, *arguments], cwd=here, capture_output=True, text=True, check=False)


@pytest.mark.slow  # smaller versions: tests/runners/test_record_resume.py, and the server killed in mid-run
def test_a_killed_run_goes_on_where_it_stopped_and_is_attributed(anywhere: Path) -> None:
    arguments = ["collect", "candidate.model=the model = x", "suite=quick", "tier=logits", "out=my run = 1"]
    arguments += ["backend.batch_size=4"]
    running = subprocess.Popen([*KINPRINT, *arguments], cwd=anywhere, stderr=subprocess.PIPE, env=os.environ)
    journal = anywhere / "my run = 1" / "journal.jsonl"
    deadline = time.monotonic() + 180
    while not (journal.is_file() and len(journal.read_bytes().splitlines()) > 12):
        assert running.poll() is None, running.stderr.read() if running.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    if running.stderr:
        running.stderr.close()
    stored = journal.read_bytes().splitlines()[1:-1]
    unfinished = kinprint(anywhere, "attribute", "recording=my run = 1")
    assert unfinished.returncode == 2
    assert "unfinished" in unfinished.stderr
    again = kinprint(anywhere, *arguments)
    assert again.returncode == 0, again.stderr
    assert again.stdout == "my run = 1\n"
    assert not journal.exists()
    answers = {answer.key: answer for answer in load_recording(anywhere / "my run = 1").answers}
    for line in stored:
        kept = json.loads(line)["answer"]
        assert answers[kept["canary_id"], kept["draw"]].asked_at == kept["asked_at"]
    attributed = kinprint(anywhere, "attribute", "recording=my run = 1", "out=the verdict", "report=true")
    assert attributed.returncode == 0, attributed.stderr
    verdict = json.loads((anywhere / "the verdict" / "verdict.json").read_text())
    assert (verdict["decision"], verdict["family"]) == ("attributed", "smollm2")
    assert {path.name for path in anywhere.iterdir()} == {"the model = x", "my run = 1", "the verdict"}
    assert {path.name for path in (anywhere / "the verdict").iterdir()} == {"verdict.json", "report.html"}
