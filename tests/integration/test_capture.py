"""Capture at every position, on SmolLM2 in float32: the numbers are those of transformers and of vLLM itself.

The engine takes 48 tokens a step and caches prefixes, so that prompts come by in pieces and some would be skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from probes.canary import Canary
from probes.recording import Recording
from probes.suite import Suite
from runners.backends.interface import Positions
from runners.backends.vllm_engine import VllmEngine
from runners.record import Sampling, record
from runners.zoo.fetch import fetch
from tests.integration.conftest import ENGINE, Started

pytestmark = pytest.mark.engine

STORY = "The keeper of the lighthouse counted the ships that passed, wrote their names in a book and closed it. " * 4
TEXTS = ("Hot", "The opposite of hot is", STORY + "Then", STORY + "Later", "def area(radius):\n    return", STORY)
SUITE = Suite("texts", tuple(Canary(f"t{n}", "facts", text, None, 3, 1, "-", "-") for n, text in enumerate(TEXTS)))
CHUNKS = {"dtype": "float32", "max_num_batched_tokens": 48, "max_num_seqs": 8, "enable_prefix_caching": True}


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


@pytest.fixture(scope="module")
def yardstick() -> Yardstick:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = fetch("smollm2")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    ids = [AutoTokenizer.from_pretrained(folder)(text).input_ids for text in TEXTS]
    with torch.inference_mode():
        return Yardstick(ids, [model(torch.tensor([one])).logits[0].numpy() for one in ids])


@pytest.fixture(scope="module")
def engine() -> Iterator[Started]:
    with VllmEngine(str(fetch("smollm2")), engine={**ENGINE, **CHUNKS}) as started:
        yield Started(started)


def recorded(engine: Started, folder: Path, positions: Positions, **changes: Any) -> Recording:
    sampling = Sampling("logits", 20, 1.0, 1.0, 0, "float32", positions, **changes)
    return record(engine, SUITE, sampling, folder, "smollm2", {})


def test_every_position_is_what_transformers_computes(engine: Started, yardstick: Yardstick, tmp_path: Path) -> None:
    recording = recorded(engine, tmp_path / "every", "every")
    rows, last = recording.positions, recording.logits
    assert rows is not None
    assert last is not None
    worst = 0.0
    for number, logits in enumerate(yardstick.logits):
        mine = rows["canary_index"] == number
        assert rows["position"][mine].tolist() == list(range(len(logits)))
        worst = max(worst, np.abs(rows["logits"][mine] - logits[:, rows["token_ids"]]).max())
        np.testing.assert_array_equal(rows["logits"][mine][-1], last["logits"][number][rows["token_ids"]])
        np.testing.assert_allclose(last["logits"][number], logits[-1], atol=1e-3)
        answer = recording.answers[number]
        assert answer.prompt_logprobs is not None
        assert np.isnan(answer.prompt_logprobs[0])
        np.testing.assert_allclose(answer.prompt_logprobs[1:], yardstick.logprobs(number), atol=1e-3)
        assert b"".join(answer.prompt_token_bytes or ()) == TEXTS[number].encode()
    assert len(rows["token_ids"]) == 2048
    assert worst <= 1e-3, worst


def test_the_prompts_logprobs_are_vllms_own(engine: Started, tmp_path: Path) -> None:
    from vllm import SamplingParams, TokensPrompt

    recording = recorded(engine, tmp_path / "surprisal", "surprisal")
    assert recording.positions is None
    prompts = [engine._encoder.encode(canary) for canary in SUITE.canaries]
    outputs = engine._llm.generate(
        [TokensPrompt(prompt_token_ids=ids) for ids in prompts],
        SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0),
        use_tqdm=False,
    )
    for answer, output, ids in zip(recording.answers, outputs, prompts, strict=True):
        theirs = [entry[token].logprob for entry, token in zip(output.prompt_logprobs[1:], ids[1:], strict=True)]
        np.testing.assert_allclose(answer.prompt_logprobs[1:] if answer.prompt_logprobs else (), theirs, atol=1e-3)


def test_chosen_tokens_come_after_the_whole_prompt(engine: Started, yardstick: Yardstick, tmp_path: Path) -> None:
    tokens = (49_151, 5, 300)
    rows = recorded(engine, tmp_path / "chosen", "chosen", chosen_tokens=tokens).positions
    assert rows is not None
    theirs = [logits[-1][list(tokens)] for logits in yardstick.logits]
    np.testing.assert_allclose(rows["logits"], theirs, atol=1e-3)
    assert rows["position"].tolist() == [len(ids) - 1 for ids in yardstick.ids]


def test_the_likeliest_of_rows_are_exact_and_ties_go_by_id() -> None:
    import torch

    from runners.backends.capture import likeliest_of_rows
    from runners.backends.top_tokens import likeliest

    logits = torch.randn(5, 1000, generator=torch.Generator().manual_seed(0)).mul(4).round().div(2)  # many ties
    logits[3] = -1.0
    for row, (ids, logprobs) in zip(logits, likeliest_of_rows(logits, 20), strict=True):
        order = sorted(range(1000), key=lambda number: (-row[number].item(), number))
        assert list(ids) == order[:20]
        np.testing.assert_allclose(logprobs, likeliest(row.numpy(), 20)[1], atol=1e-5)
    assert len(likeliest_of_rows(logits[:, :3], 20)[0][0]) == 3
