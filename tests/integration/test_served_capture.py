"""The capture inside a vLLM server: named on its command line, asked for by a request, found as a file."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.api.chosen_tokens import find_way, relative_logits
from runners.api.found import COMPLETIONS, Route
from runners.backends.captured import Capture
from runners.zoo.fetch import fetch

# test_capture.py has its parts, and test_vllm_server.py a server that kinprint starts itself.
pytestmark = [pytest.mark.engine, pytest.mark.slow]

CHOSEN = np.array([7, 49_151, 300])
TOKENS = {338: b" that", 28: b",", 260: b" the", 253: b" a", 504: b"The"}
PROMPT = "The keeper of the lighthouse counted the ships that passed, wrote their names in a book and closed it. " * 3
ARGUMENTS = (
    *("--dtype", "float32", "--max-model-len", "2048", "--enforce-eager", "--no-enable-prefix-caching"),
    *("--max-num-batched-tokens", "48", "--max-num-seqs", "8", "--host", "127.0.0.1", "--generation-config", "vllm"),
    *("--logits-processors", "runners.backends.served_capture:ServedCapture"),
)


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/v1/completions", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=60):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    pytest.fail(f"the server ended with status {server.returncode}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("captures")
    np.save(made / "chosen.npy", CHOSEN)
    return made


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "KINPRINT_CAPTURE": str(folder),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
    }
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(fetch("smollm2"))]
    command += ["--served-model-name", "m", "--port", str(port), *ARGUMENTS]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)


@pytest.fixture(scope="module")
def theirs() -> np.ndarray:
    """What transformers says: raw logits [n_tokens, vocab_size] after each token of the prompt."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(fetch("smollm2"), dtype="float32").eval()
    ids = AutoTokenizer.from_pretrained(fetch("smollm2"))(PROMPT, return_tensors="pt").input_ids
    with torch.inference_mode():
        logits: np.ndarray = model(ids).logits[0].numpy()
    rows = logits.astype(np.float64)
    rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return np.hstack([logits, np.append(np.nan, np.take_along_axis(rows[:-1], ids.numpy()[0, 1:, None], 1))[:, None]])


def test_the_first_request_already_gets_every_position(url: str, folder: Path, theirs: np.ndarray) -> None:
    wish = {"kinprint_row": 7, "kinprint_keep": ["vocabulary", "every"]}
    post(url, {"model": "m", "prompt": PROMPT, "max_tokens": 3, "temperature": 0, "vllm_xargs": wish})
    kept = Capture.read(folder / "7.safetensors")
    assert kept.fault is None
    assert kept.logits is not None
    assert kept.positions is not None
    logits, logprobs = theirs[:, :-1], theirs[:, -1]
    np.testing.assert_allclose(kept.logits, logits[-1], atol=1e-3)
    np.testing.assert_allclose(kept.positions, logits[:, CHOSEN], atol=1e-3)
    np.testing.assert_allclose(kept.prompt_logprobs, logprobs, atol=1e-3)


def test_the_likeliest_tokens_alone_are_a_small_file(url: str, folder: Path, theirs: np.ndarray) -> None:
    wish = {"kinprint_row": 8, "kinprint_keep": ["top"], "kinprint_top_k": 20}
    post(url, {"model": "m", "prompt": PROMPT, "max_tokens": 1, "temperature": 0, "vllm_xargs": wish})
    kept = Capture.read(folder / "8.safetensors")
    assert kept.top is not None
    assert kept.top[0] == tuple(np.argsort(-theirs[-1, :-1])[:20].tolist())
    assert (folder / "8.safetensors").stat().st_size < 1000


@pytest.mark.parametrize("as_ids", [True, False])
def test_named_tokens_are_given_by_id(url: str, theirs: np.ndarray, as_ids: bool) -> None:
    """And a bias, which this server's logprobs don't show, is not taken for one that they do."""
    logits = theirs[-1, :-1]
    tokens = {int(number): b"" if as_ids else TOKENS[number] for number in TOKENS}
    body = {"model": "m", "prompt": PROMPT, "max_tokens": 1, "temperature": 0, "logprobs": 5}

    async def ask(settings: Any) -> Any:
        extra = {"return_tokens_as_token_ids": as_ids}
        return post(url, {**body, **extra, **settings})["choices"][0]

    async def ask_by_bias(settings: Any) -> Any:
        return None if "logprob_token_ids" in settings else await ask(settings)

    route = Route(COMPLETIONS, ask_logprobs=5, logprobs=5)
    way = asyncio.run(find_way(ask, tokens, route))
    assert way is not None
    assert way.name == "logprob_token_ids"
    found = asyncio.run(relative_logits(ask, tokens, way))
    np.testing.assert_allclose(found - found[0], logits[list(tokens)] - logits[next(iter(tokens))], atol=2e-3)
    assert asyncio.run(find_way(ask_by_bias, tokens, route)) is None


@pytest.mark.parametrize("wish", [{"kinprint_row": "../x", "kinprint_keep": ["top"]}, {"kinprint_row": 9}])
def test_a_wish_that_makes_no_sense_is_answered_and_kept_nowhere(url: str, folder: Path, wish: dict[str, Any]) -> None:
    before = set(folder.parent.rglob("*"))
    answer = post(url, {"model": "m", "prompt": "Hot", "max_tokens": 1, "vllm_xargs": wish})
    assert answer["choices"]
    assert set(folder.parent.rglob("*")) == before
