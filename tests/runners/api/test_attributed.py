"""What is recorded through an API can be attributed, whatever the API withheld."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.attribution.attribute import Rules, attribute
from analysis.libraries.library import Library
from analysis.signatures.signature import signature
from runners.api.found import Found
from tests.endpoint import Endpoint
from tests.recordings import END, VOCABULARY, MadeUp, make_up, softmax, suite_of
from tests.runners.api.conftest import Collect

SIZE = 24


@dataclass
class Shell(Endpoint):
    """An endpoint with a made-up model behind it, which strips leading spaces where it is asked in a chat."""

    model_behind: MadeUp | None = None
    wrapper: str = ""

    def _tokens(self, prompt: str, body: dict[str, Any], count: int) -> tuple[list[str], list[dict[str, float]]]:
        place = re.search(r"Sentence (\d+):", prompt)
        if place is None or self.model_behind is None:
            return super()._tokens(prompt, body, count)
        probabilities = softmax(self.model_behind.logits[int(place[1])])
        spelled = ["<|im_end|>" if token == END else VOCABULARY[token].decode() for token in range(len(VOCABULARY))]
        order = np.argsort(-probabilities, kind="stable")
        first = order[0]
        if body.get("temperature", 1) > 0:
            first = np.random.default_rng(body.get("seed", 0)).choice(len(VOCABULARY), p=probabilities)
        tokens = [spelled[first], " " + self.model_behind.endings[int(place[1])]]
        if "messages" in body and not count:
            tokens[0] = self.wrapper + tokens[0].lstrip()
        top = {spelled[token]: float(np.log(probabilities[token])) for token in order[:count]}
        return tokens, [top, {tokens[1]: -0.1}] if count else []


@pytest.fixture
def endpoint() -> Shell:
    return Shell(model_behind=make_up(1, 3))


ACCESSES = {
    "five logprobs": {"most_logprobs": 5},
    "five logprobs, silently": {"most_logprobs": 5, "strict": False},
    "text": {"most_logprobs": 0},
    "text without usage": {"most_logprobs": 0, "usage": False},
    "temperature ignored": {"most_logprobs": 0, "fixed": True},
}


@pytest.mark.parametrize("access", ACCESSES)
def test_the_right_family_comes_out_likeliest(
    endpoint: Shell, collect: Collect, made_up_library: Library, access: str
) -> None:
    for name, value in ACCESSES[access].items():
        setattr(endpoint, name, value)
    recording = collect(suite=suite_of(SIZE), concurrency=8)
    verdict = attribute(signature(recording), made_up_library, Rules(attributed_at=0.51))
    known = {family: p for family, p in verdict.posterior.items() if family != "unknown"}
    assert max(known, key=lambda family: known[family]) == "birch", verdict
    assert verdict.tier == recording.manifest.tier


@pytest.mark.parametrize("most_logprobs", [20, 0])
def test_instructed_continuations_are_not_compared_with_plain_ones(
    endpoint: Shell, collect: Collect, made_up_library: Library, most_logprobs: int
) -> None:
    endpoint.completions, endpoint.most_logprobs = False, most_logprobs
    verdict = attribute(signature(collect(suite=suite_of(SIZE), concurrency=8)), made_up_library)
    assert verdict.decision == "no_signal"
    assert any("instruction to continue" in warning for warning in verdict.warnings)


def test_silence_is_no_signal(endpoint: Shell, collect: Collect, made_up_library: Library, tmp_path: Path) -> None:
    endpoint.most_logprobs = 0
    right = endpoint.answer

    def silent(path: str, body: dict[str, Any]) -> Any:
        response = right(path, body)
        if "Sentence" in json.dumps(body):
            answer = json.loads(response.get_data())
            answer["choices"][0]["text"] = ""
            response.set_data(json.dumps(answer))
        return response

    endpoint.answer = silent  # type: ignore[method-assign]
    verdict = attribute(signature(collect(suite=suite_of(SIZE))), made_up_library)
    assert verdict.decision == "no_signal"
    assert "empty" in verdict.reason


def test_what_was_found_survives_the_manifest(collect: Collect) -> None:
    access = collect(size=2).manifest.access
    found = Found.from_access(json.loads(json.dumps(access))).as_access()
    assert found == {key: access[key] for key in found}
