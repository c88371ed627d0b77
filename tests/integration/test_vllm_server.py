"""vLLM's own HTTP server with a real model: attributed rightly through it; killed in mid-run, nothing of it stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analysis.attribute import attribute
from analysis.library import Library
from analysis.signature import signature
from probes.manifest import Tier
from probes.suite import Suite, load_suite
from runners.backends.openai_api import OpenaiApi
from runners.backends.vllm_engine import VllmEngine
from runners.backends.vllm_server import VllmServer
from runners.record import Sampling, record
from runners.shell_proxy import ShellProxy
from runners.zoo.fetch import fetch
from tests.integration.conftest import ENGINE, Started
from tests.processes import MARK, wait_until_none_left, with_mark

pytestmark = pytest.mark.engine

NOISE = 0.25
"""Nats: logits in bfloat16 (steps of 0.06 to 0.12 at their sizes) differ a little with the batch they ran in."""


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    mark = f"module-{os.getpid()}"
    os.environ[MARK] = mark
    with VllmServer(str(fetch("smollm2")), engine=dict(ENGINE)) as backend:
        del os.environ[MARK]
        assert len(with_mark(mark)) >= 3  # the guard, the server and its engine
        yield Started(backend)
    assert with_mark(mark) == []


@pytest.mark.parametrize("tier", ["topk", "text"])
def test_names_the_right_family(server: Started, tier: Tier, quick: Suite, tmp_path: Path) -> None:
    sampling = Sampling(tier, top_k=20, temperature=1.0, top_p=1.0, seed=0)
    recording = record(server, quick, sampling, tmp_path / tier, "smollm2", {})
    manifest = recording.manifest
    assert manifest.counts["ok"] == sum(manifest.counts.values())
    assert (manifest.access["chat"]["refused"], manifest.access["completions"]["refused"]) == (None, None)
    assert manifest.access["usage"]
    assert manifest.access["echo"]
    verdict = attribute(signature(recording), Library.load())
    assert (verdict.decision, verdict.family) == ("attributed", "smollm2"), verdict.posterior
    assert verdict.tokenizer == {"fits": ["smollm2"]}


def test_a_shell_in_front_of_it_hides_everything_but_the_family(server: Started, tmp_path: Path) -> None:
    chat = load_suite("chat")
    some = Suite("chat", chat.canaries[::3])
    instructions = "You are Zephyr of Halcyon Labs. You are cheerful, and you never say who made you."
    with ShellProxy(server.url, server.served_as, "zephyr-1", instructions, server.key) as shell:
        api = OpenaiApi("zephyr-1", shell.url)
        sampling = Sampling("topk", top_k=20, temperature=1.0, top_p=1.0, seed=0)
        recording = record(api, some, sampling, tmp_path / "shell", "zephyr-1", {})
    manifest = recording.manifest
    assert (manifest.tier, manifest.access["usage"]) == ("text", False)
    assert "smollm" not in (recording.folder / "manifest.json").read_text("utf-8").lower()
    posterior = attribute(signature(recording), Library.load()).posterior
    assert max(posterior, key=lambda label: posterior[label]) == "smollm2", posterior


def test_every_logprob_has_its_token(server: Started, quick: Suite, tmp_path: Path) -> None:
    sampling = Sampling("topk", top_k=20, temperature=1.0, top_p=1.0, seed=0)
    answers = record(server, quick, sampling, tmp_path / "ids", "smollm2", {}).answers
    vocabulary = server.describe().token_bytes
    for answer in answers:
        assert answer.topk_ids is not None
        assert answer.topk_logprobs is not None
        assert answer.topk_bytes == tuple(vocabulary[number] for number in answer.topk_ids)
        assert len(set(answer.topk_ids)) == 20
        assert np.all(np.diff(answer.topk_logprobs) <= 0)


def test_captures_what_the_engine_in_this_process_does(server: Started, quick: Suite, tmp_path: Path) -> None:
    some = Suite("some", (*quick.canaries[:6], next(c for c in quick.canaries if c.messages is not None)))
    sampling = Sampling("logits", 20, 1.0, 1.0, 0, positions="every", position_tokens=64, logits_dtype="float32")
    here = record(VllmEngine(str(fetch("smollm2")), engine=dict(ENGINE)), some, sampling, tmp_path / "here", "x", {})
    there = record(server, some, sampling, tmp_path / "there", "smollm2", {})
    assert (there.manifest.tier, there.manifest.access["vocabulary"]) == ("logits", True)
    for one, other in zip(here.answers, there.answers, strict=True):
        assert one.prompt_token_bytes == other.prompt_token_bytes
        np.testing.assert_allclose(one.prompt_logprobs, other.prompt_logprobs, atol=NOISE)
        assert (one.status, one.token_bytes) == (other.status, other.token_bytes)
    for ours, theirs in ((here.logits, there.logits), (here.positions, there.positions)):
        assert ours is not None
        assert theirs is not None
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            np.testing.assert_allclose(values, theirs[name], atol=NOISE if name == "logits" else 0)


def test_named_tokens_are_those_that_were_captured(
    server: Started, quick: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the same server as anybody's endpoint: 64 tokens by their ids, in one request a prompt."""
    monkeypatch.setenv("KEY_OF_THE_SERVER", server.key)
    some = Suite("some", quick.canaries[:6])
    sampling = Sampling(
        "topk", 20, 1.0, 1.0, 0, positions="chosen", position_tokens=64, position_prompts=2, logits_dtype="float32"
    )
    captured = record(server, some, sampling, tmp_path / "captured", "smollm2", {}).positions
    api = OpenaiApi(server.served_as, server.url, "KEY_OF_THE_SERVER", tokenizer=str(fetch("smollm2")))
    recording = record(api, some, sampling, tmp_path / "asked", "smollm2", {})
    asked = recording.positions
    assert recording.manifest.access["negotiation"]["chosen_tokens"]["name"] == "logprob_token_ids"
    assert recording.manifest.access["positions"]["asked"]["queries"] == 2
    assert captured is not None
    assert asked is not None
    assert len(captured["logits"]) == 6
    assert asked["canary_index"].tolist() == [0, 3]
    np.testing.assert_array_equal(asked["token_ids"], captured["token_ids"])
    ours, theirs = asked["logits"], captured["logits"][[0, 3]]
    np.testing.assert_allclose(
        ours - ours.mean(axis=1, keepdims=True), theirs - theirs.mean(axis=1, keepdims=True), atol=NOISE
    )


def test_killed_in_mid_run_nothing_stays(tmp_path: Path) -> None:
    mark = f"killed-{os.getpid()}"
    words = ["backend=vllm_server", "candidate=smollm2", "suite=core", "tier=text", "backend.concurrency=1", "out=run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "collect", *words],
        cwd=tmp_path,
        env={**os.environ, MARK: mark},
        stderr=subprocess.DEVNULL,
    )
    journal = tmp_path / "run" / "journal.jsonl"
    while not (journal.is_file() and len(journal.read_bytes().splitlines()) > 4):
        assert process.poll() is None
        time.sleep(0.2)
    assert len(with_mark(mark)) >= 4
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until_none_left(mark, 40)
