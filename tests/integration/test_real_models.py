"""Each real model, through vLLM: it talks sense, and is attributed to its family at every tier."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from analysis.attribution.attribute import Rules, attribute
from analysis.libraries.library import Library
from analysis.signatures.signature import signature
from probes.canary import Canary, Message
from probes.manifest import Tier
from probes.recording import Recording
from probes.suite import Suite
from runners.record import Sampling, record
from tests.integration.conftest import FAMILIES, Started

pytestmark = pytest.mark.engine

GREETINGS = Suite(
    "greetings",
    (
        Canary("fact", "facts", "The opposite of hot is", None, 8, 1, "a plain fact", "written for kinprint"),
        Canary(
            "chat",
            "dialogue",
            None,
            (Message("user", "What is the opposite of hot? Answer in one word."),),
            16,
            1,
            "the same in a chat",
            "written for kinprint",
        ),
    ),
)


Recorded = Callable[[Tier], Recording]


def sampling(tier: Tier) -> Sampling:
    return Sampling(tier, top_k=20, temperature=1.0, top_p=1.0, seed=0)


@pytest.fixture(scope="module")
def recorded(served: tuple[str, Started], quick: Suite, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The model's recording at a tier, made once for all tests."""
    name, backend = served
    folder = tmp_path_factory.mktemp("recorded")
    return cache(lambda tier: record(backend, quick, sampling(tier), folder / tier, name, {}))


def test_a_plain_fact_has_a_sane_continuation(served: tuple[str, Started], tmp_path: Path) -> None:
    name, backend = served
    recording = record(backend, GREETINGS, sampling("topk"), tmp_path / "greetings", name, {})
    assert (recording.greedy["fact"].text or "").startswith(" cold")
    if name == "qwen2.5-coder":  # the others are a base model, and one too small to be held to a chat's answer
        assert "cold" in (recording.greedy["chat"].text or "").lower()
    first = recording.greedy["fact"]
    assert first.topk_bytes is not None
    assert first.token_bytes is not None
    assert first.topk_bytes[0] == first.token_bytes[0] == b" cold"


@pytest.mark.parametrize("tier", get_args(Tier))
def test_names_the_right_family(served: tuple[str, Started], recorded: Recorded, tier: Tier) -> None:
    name, _ = served
    verdict = attribute(signature(recorded(tier)), Library.load())
    assert (verdict.decision, verdict.family) == ("attributed", FAMILIES[name]), verdict.posterior
    assert verdict.tokenizer == {"fits": [FAMILIES[name]], "collisions": []}


def test_names_the_right_family_with_the_tokenizer_off(served: tuple[str, Started], recorded: Recorded) -> None:
    name, _ = served
    rules = Rules(channels=("next_token", "greedy"))
    assert attribute(signature(recorded("text")), Library.load(), rules).family == FAMILIES[name]


def test_a_family_that_is_not_in_the_library_is_unknown(served: tuple[str, Started], recorded: Recorded) -> None:
    name, _ = served
    strangers = Library.load().without(families=[FAMILIES[name]])
    assert attribute(signature(recorded("topk")), strangers).family is None
