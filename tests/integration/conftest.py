"""Real models behind the real engine, started once each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from probes.suite import Suite, load_suite
from runners.backends.vllm_engine import VllmEngine
from runners.zoo.fetch import fetch

FAMILIES = {"smollm2": "smollm2", "gemma3": "gemma3", "qwen2.5-coder": "qwen2.5"}
ENGINE = {"max_model_len": 2048, "enforce_eager": True}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings stay errors where we raise them; what an engine says of its own insides is not ours to mend."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))
            item.add_marker(pytest.mark.filterwarnings(r"error:::(probes|analysis|runners)\..*"))


@dataclass
class Started:
    """A backend that is up already: entering and leaving it does nothing, so that tests can share one engine."""

    backend: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@pytest.fixture(scope="session")
def quick() -> Suite:
    return load_suite("quick")


@pytest.fixture(scope="module", params=FAMILIES)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Started]]:
    """The name of a real model, and vLLM serving it."""
    with VllmEngine(str(fetch(request.param)), engine=dict(ENGINE)) as engine:
        yield request.param, Started(engine)
