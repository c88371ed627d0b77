"""vLLM's own HTTP server with a real model: attributed rightly through it; killed in mid-run, nothing of it stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from analysis.attribution.attribute import attribute
from analysis.kinship.shared_weights import NAME
from analysis.libraries.library import Library
from analysis.signatures.signature import signature
from probes.manifest import Tier
from probes.recording import Recording
from probes.suite import Suite, load_suite
from runners.backends.openai_api import OpenaiApi
from runners.backends.vllm_server import VllmServer
from runners.record import Sampling, record
from runners.shell_proxy import ShellProxy
from runners.zoo.fetch import fetch
from tests.integration.conftest import ENGINE, SUITE_OF_TEXTS, TEXTS, Started, Yardstick
from tests.processes import MARK, wait_until_none_left, with_mark

pytestmark = pytest.mark.engine

NOISE = 2e-3
"""Nats: logits in float32 differ a little with the batch they ran in."""


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    mark = f"module-{os.getpid()}"
    os.environ[MARK] = mark
    with VllmServer(str(fetch("smollm2")), engine={**ENGINE, "dtype": "float32"}) as backend:
        del os.environ[MARK]
        assert len(with_mark(mark)) >= 3  # the guard, the server and its engine
        yield Started(backend)
    assert with_mark(mark) == []


@pytest.fixture(scope="module")
def recorded(server: Started, quick: Suite, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Tier], Recording]:
    """The recording at a tier, made once for all tests."""
    folder = tmp_path_factory.mktemp("recorded")
    return cache(lambda tier: record(server, quick, Sampling(tier, 20, 1.0, 1.0, 0), folder / tier, "smollm2", {}))


@pytest.mark.parametrize("tier", ["topk", pytest.param("text", marks=pytest.mark.slow)])  # the shell shows text alone
def test_names_the_right_family(recorded: Callable[[Tier], Recording], tier: Tier) -> None:
    recording = recorded(tier)
    manifest = recording.manifest
    assert manifest.counts["ok"] == sum(manifest.counts.values())
    assert (manifest.access["chat"]["refused"], manifest.access["completions"]["refused"]) == (None, None)
    assert manifest.access["usage"]
    assert manifest.access["echo"]
    verdict = attribute(signature(recording), Library.load())
    assert (verdict.decision, verdict.family) == ("attributed", "smollm2"), verdict.posterior
    assert verdict.tokenizer == {"fits": ["smollm2"], "collisions": []}


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


def test_every_logprob_has_its_token(server: Started, recorded: Callable[[Tier], Recording]) -> None:
    vocabulary = server.describe().token_bytes
    for answer in recorded("topk").answers:
        assert answer.topk_ids is not None
        assert answer.topk_logprobs is not None
        assert answer.topk_bytes == tuple(vocabulary[number] for number in answer.topk_ids)
        assert len(set(answer.topk_ids)) == 20
        assert np.all(np.diff(answer.topk_logprobs) <= 0)


def test_captures_every_position_as_transformers_computes_it(
    server: Started, yardstick: Yardstick, quick: Suite, tmp_path: Path
) -> None:
    chat = next(canary for canary in quick.canaries if canary.messages is not None)
    suite = Suite("some", (*SUITE_OF_TEXTS.canaries, chat))
    sampling = Sampling("logits", 20, 1.0, 1.0, 0, "float32", "every", position_tokens=64)
    recording = record(server, suite, sampling, tmp_path / "every", "smollm2", {})
    assert (recording.manifest.tier, recording.manifest.access["vocabulary"]) == ("logits", True)
    assert recording.manifest.counts["ok"] == len(suite)
    rows, last = recording.positions, recording.logits
    assert rows is not None
    assert last is not None
    for number, logits in enumerate(yardstick.logits):
        answer, mine = recording.answers[number], rows["canary_index"] == number
        assert rows["position"][mine].tolist() == list(range(len(logits)))
        np.testing.assert_allclose(rows["logits"][mine], logits[:, rows["token_ids"]], atol=NOISE)
        np.testing.assert_allclose(last["logits"][number], logits[-1], atol=NOISE)
        np.testing.assert_allclose(answer.prompt_logprobs[1:], yardstick.logprobs(number), atol=NOISE)
        assert b"".join(answer.prompt_token_bytes or ()) == (suite.canaries[number].text or "").encode()
    in_chat = recording.answers[-1]
    assert (rows["canary_index"] == len(TEXTS)).sum() == in_chat.prompt_tokens == len(in_chat.prompt_logprobs or ())
    assert chat.messages is not None
    assert chat.messages[-1].content.encode() in b"".join(in_chat.prompt_token_bytes or ())


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


def test_named_tokens_tell_the_family_too(
    server: Started, quick: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `tier=chosen` asks anybody's endpoint, after fewer prompts."""
    monkeypatch.setenv("KEY_OF_THE_SERVER", server.key)
    sampling = Sampling(
        "topk", 20, 1.0, 1.0, 0, positions="chosen", position_tokens=256, position_prompts=8, logits_dtype="float32"
    )
    api = OpenaiApi(server.served_as, server.url, "KEY_OF_THE_SERVER", tokenizer=str(fetch("smollm2")))
    recording = record(api, quick, sampling, tmp_path, "candidate", {})
    assert recording.manifest.access["positions"]["asked"]["queries"] == 16
    verdict = attribute(signature(recording), Library.load())
    assert NAME in verdict.channels
    assert (verdict.decision, verdict.family) == ("attributed", "smollm2")


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
