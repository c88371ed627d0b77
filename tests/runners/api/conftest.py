"""What the tests of the API share: an endpoint on loopback, and a run against it without waits."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from probes.recording import Recording
from runners.backends.openai_api import OpenaiApi
from runners.budget import Budget, Limits
from runners.record import Sampling, record
from tests.endpoint import NAME, Endpoint
from tests.recordings import suite_of

Collect = Callable[..., Recording]


@pytest.fixture
def endpoint() -> Endpoint:
    """A well-behaved endpoint; tests change what they need."""
    return Endpoint()


@pytest.fixture(scope="session")
def threaded_server() -> Iterator[HTTPServer]:
    """A server that answers many requests at a time, as real ones do."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server


@pytest.fixture
def httpserver(threaded_server: HTTPServer) -> HTTPServer:
    """The server, with nothing left in it of the test before: stopping one takes half a second."""
    threaded_server.clear()
    return threaded_server


@pytest.fixture
def url(endpoint: Endpoint, httpserver: HTTPServer) -> str:
    """Its base URL."""
    for path in ("/v1/chat/completions", "/v1/completions"):
        httpserver.expect_request(path).respond_with_handler(endpoint)
    return httpserver.url_for("/v1")


@pytest.fixture
def collect(url: str, tmp_path: Path) -> Collect:
    """Asks the endpoint a small suite; waits between retries are left out."""

    def run(
        tier: str = "topk",
        size: int = 6,
        limits: dict[str, Any] | None = None,
        out: Path = tmp_path / "run",
        suite: Any = None,
        top_k: int = 20,
        model: str = NAME,
        at: str = url,
        how: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Recording:
        backend = OpenaiApi(model, at, **{"first_wait": 0.0, "timeout_s": 5.0, **settings})
        sampling = Sampling(tier, top_k, 1.0, 1.0, 0, **(how or {}))  # type: ignore[arg-type]
        return record(
            backend, suite or suite_of(size), sampling, out, "shell", {}, budget=Budget(Limits(**(limits or {})))
        )

    return run
