"""The whole command with a stand-in for vLLM's server: whatever ends the run, no process and no secret stays."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from safetensors.numpy import save_file

from probes.errors import CandidateError
from probes.recording import load_recording
from runners.backends.vllm_server import VllmServer
from tests.processes import MARK, wait_until_none_left, with_mark
from tests.recordings import suite_of

ROOT = Path(__file__).resolve().parents[3]
SIZE = 12
NEGOTIATION = 7


@dataclass
class Run:
    """One run of the command in a folder of its own; `plan` says how the server goes wrong."""

    folder: Path
    plan: dict[str, Any] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid4().hex)

    def start(self, *more: str, **plan: Any) -> subprocess.Popen[str]:
        self.plan = {"asked": str(self.folder / "asked.jsonl"), **plan}
        words = ["backend=vllm_server", "candidate.model=model", "suite=file", "suite.path=suite.jsonl", "tier=topk"]
        return subprocess.Popen(
            [sys.executable, "-m", "runners.cli", "collect", *words, "out=run", "backend.concurrency=2", *more],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT / 'tests' / 'stand_ins'}{os.pathsep}{ROOT}",
                "TMPDIR": str(self.folder / "tmp"),
                "STAND_IN": json.dumps(self.plan),
                MARK: self.mark,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def asked(self) -> list[dict[str, Any]]:
        path = self.folder / "asked.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def logs(self) -> list[Path]:
        """Whatever is left of temporary files."""
        return list((self.folder / "tmp").iterdir())


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    model = tmp_path / "model"
    model.mkdir()
    (tmp_path / "tmp").mkdir()
    (model / "config.json").write_text("{}")
    save_file({"weight": np.zeros(1, np.float32)}, model / "model.safetensors")
    (tmp_path / "suite.jsonl").write_text(suite_of(SIZE).to_jsonl(), "utf-8")
    made = Run(tmp_path)
    yield made
    assert with_mark(made.mark) == []


def sentence(process: subprocess.Popen[str]) -> str:
    """The last line of what a failed command said."""
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert "Traceback" not in said
    return said.splitlines()[-1]


def test_a_run_ends_with_its_server(run: Run) -> None:
    process = run.start("candidate.system_prompt=Be brief.")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert with_mark(run.mark) == []
    assert run.logs == []
    manifest = load_recording(run.folder / "run").manifest
    assert (manifest.backend, manifest.counts["ok"]) == ("vllm_server", SIZE)
    assert (manifest.engine["name"], manifest.engine["arguments"]["max_model_len"]) == ("vllm", 2048)
    assert manifest.access["model_asked"] == manifest.access["model_returned"] == "model"
    assert {body["prompt"] for body in run.asked[NEGOTIATION:]} == {
        f"Be brief.\n\n{canary.text}" for canary in suite_of(SIZE).canaries
    }


def test_the_key_is_on_no_command_line_and_in_no_file(run: Run) -> None:
    process = run.start(slow=0.2)
    while not run.asked:
        time.sleep(0.02)
        assert process.poll() is None
    keys, commands = set(), []
    for pid in with_mark(run.mark):
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        keys |= {match[1].decode() for match in re.finditer(rb"VLLM_API_KEY=([^\0]+)", environment)}
        commands.append(Path(f"/proc/{pid}/cmdline").read_text())
    _, said = process.communicate(timeout=60)
    [key] = keys
    assert len(key) > 30
    assert any("--served-model-name" in command for command in commands)
    written = [path.read_bytes().decode("latin-1") for path in run.folder.rglob("*") if path.is_file()]
    assert [text for text in (*commands, said, *written) if key in text] == []


def test_an_error_in_mid_run_ends_the_server(run: Run) -> None:
    assert "refuses to serve" in sentence(run.start(refuse_after=NEGOTIATION + 3))
    assert with_mark(run.mark) == []


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=["SIGINT", "SIGTERM", "SIGKILL"],
)
@pytest.mark.parametrize("moment", ["starting", "asking"])
def test_a_signal_ends_the_server(run: Run, number: signal.Signals, status: int, moment: str) -> None:
    process = run.start(slow=0.1, never_up=moment == "starting")
    while len(with_mark(run.mark)) < 5 or (moment == "asking" and len(run.asked) < NEGOTIATION + 3):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in said
    if number != signal.SIGKILL:
        assert with_mark(run.mark) == []
        assert run.logs == []
        assert "interrupted" in said
    wait_until_none_left(run.mark)


def test_a_server_that_dies_in_mid_run_is_named_and_the_same_command_goes_on(run: Run) -> None:
    said = sentence(run.start(die_after=NEGOTIATION + 6, slow=0.05))
    assert "vLLM's server died (exit status 137): ValueError: the engine of the stand-in [31mbroke; its log is" in said
    assert with_mark(run.mark) == []
    [log] = run.logs
    assert str(log) in said
    before = {json.dumps(body) for body in run.asked[: NEGOTIATION + 4]}
    again = run.start()
    _, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert load_recording(run.folder / "run").manifest.counts["ok"] == SIZE
    asked = [json.dumps(body) for body in run.asked]
    assert all(asked.count(question) == 1 for question in before if "logprobs" in question and "Sentence" in question)
    assert len(asked) <= NEGOTIATION + SIZE + 6  # at most those in flight are repeated, with their retries


def test_a_server_that_never_comes_up_is_named(run: Run) -> None:
    said = sentence(run.start(die_at_start=True))
    assert "vLLM's server died before it was up (exit status 1): RuntimeError: Engine core" in said
    assert with_mark(run.mark) == []


def test_a_server_that_takes_too_long_is_named(run: Run) -> None:
    assert "was not up after 1 s" in sentence(run.start("backend.start_timeout_s=1", never_up=True))


@pytest.mark.parametrize("key", ["port", "api_key", "served_model_name"])
def test_what_kinprint_sets_itself_can_not_be_set(key: str) -> None:
    with pytest.raises(CandidateError, match=rf"backend\.engine\.{key} is set by kinprint"):
        VllmServer("org/model", engine={key: "x"})
