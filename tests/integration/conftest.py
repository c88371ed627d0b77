"""Real models behind the real engine, started once each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pytest

from probes.canary import Canary
from probes.suite import Suite, load_suite
from runners.backends.vllm_engine import VllmEngine
from runners.zoo.fetch import fetch

FAMILIES = {"smollm2": "smollm2", "gemma3": "gemma3", "qwen2.5-coder": "qwen2.5"}
ENGINE = {"max_model_len": 2048, "enforce_eager": True}
STORY = "The keeper of the lighthouse counted the ships that passed, wrote their names in a book and closed it. " * 4
TEXTS = ("Hot", "The opposite of hot is", STORY + "Then", STORY + "Later", "def area(radius):\n    return", STORY)
SUITE_OF_TEXTS = Suite(
    "texts", tuple(Canary(f"t{n}", "facts", text, None, 3, 1, "-", "-") for n, text in enumerate(TEXTS))
)


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


@dataclass
class Yardstick:
    """What transformers says: ids of the prompts, and raw logits [n_tokens, vocab_size] after each of their tokens."""

    ids: list[list[int]]
    logits: list[npt.NDArray[np.float32]]

    def logprobs(self, number: int) -> npt.NDArray[np.float64]:
        """The logprob of each token of a prompt but the first."""
        rows = self.logits[number].astype(np.float64)
        rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
        return np.take_along_axis(rows[:-1], np.array(self.ids[number][1:], int)[:, None], axis=1)[:, 0]


@pytest.fixture(scope="session")
def yardstick() -> Yardstick:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = fetch("smollm2")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    ids = [AutoTokenizer.from_pretrained(folder)(text).input_ids for text in TEXTS]
    with torch.inference_mode():
        return Yardstick(ids, [model(torch.tensor([one])).logits[0].numpy() for one in ids])
