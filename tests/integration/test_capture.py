"""Capture at every position, on SmolLM2 in float32: the numbers are those of transformers and of vLLM itself.

The engine takes 48 tokens a step and caches prefixes, so that prompts come by in pieces and some would be skipped.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.signatures.first_tokens import log_softmax
from probes.recording import Recording
from probes.suite import load_suite
from runners.backends.captured import KEEP, ROW, Capture
from runners.backends.interface import Backend, Positions
from runners.backends.transformers import Transformers
from runners.backends.vllm_engine import VllmEngine
from runners.record import Sampling, record
from runners.zoo.fetch import fetch
from tests.integration.conftest import ENGINE, TEXTS, Started, Yardstick
from tests.integration.conftest import SUITE_OF_TEXTS as SUITE

pytestmark = pytest.mark.engine

CHUNKS = {"dtype": "float32", "max_num_batched_tokens": 48, "max_num_seqs": 8, "enable_prefix_caching": True}


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


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_the_engine_agrees_with_transformers(engine: Started, every: int, tmp_path: Path) -> None:
    """On core canaries of every kind, or (slow) on all of them, with full logits."""
    core = load_suite("core")
    suite = replace(core, canaries=tuple(replace(canary, max_tokens=1) for canary in core.canaries[::every]))
    sampling = Sampling("logits", 20, 1.0, 1.0, 0, "float32")

    def logprobs(backend: Backend, name: str) -> tuple[Recording, np.ndarray]:
        recording = record(backend, suite, sampling, tmp_path / name, name, {})
        assert recording.logits is not None
        return recording, log_softmax(recording.logits["logits"])

    here, ours = logprobs(engine, "vllm")
    plain, theirs = logprobs(Transformers(str(fetch("smollm2")), engine={"dtype": "float32"}), "transformers")
    assert ours.shape == theirs.shape == (len(suite), 49_152)
    assert here.manifest.tokenizer == plain.manifest.tokenizer
    top = np.argsort(-theirs, axis=1)[:, :20]
    difference = np.abs(np.take_along_axis(ours, top, 1) - np.take_along_axis(theirs, top, 1))
    agreement = (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()
    print(f"arg-max agreement {agreement:.4f}, mean difference over the top 20 {difference.mean():.5f} nat")
    assert agreement >= 0.97
    assert difference.mean() <= 0.1


def test_inside_a_server_a_prompt_in_pieces_is_written_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from vllm import SamplingParams
    from vllm.v1.sample.logits_processor import BatchUpdate

    from runners.backends.served_capture import ServedCapture

    monkeypatch.setenv("KINPRINT_CAPTURE", str(tmp_path))
    capture = ServedCapture(None, torch.device("cpu"), False)
    capture._finder.remove()
    np.save(tmp_path / "chosen.npy", np.array([2, 0], np.int32))
    wishes: list[dict[str, Any]] = [{ROW: 7, KEEP: ["vocabulary", "chosen"]}, {ROW: "../x", KEEP: ["top"]}, {ROW: 9}]
    added = [(n, SamplingParams(extra_args=wish), [5, 6, 7], []) for n, wish in enumerate(wishes)]
    capture.update_state(BatchUpdate(batch_size=3, removed=[], added=added, moved=[]))
    assert list(capture.followed) == [0]  # what makes no sense is not followed
    for computed, value in ((2, 1.0), (3, 2.0)):
        assert list(tmp_path.iterdir()) == [tmp_path / "chosen.npy"]
        capture.followed[0].computed = computed
        capture.apply(torch.tensor([[value, 0.0, 2 * value]] * 3))
    kept = Capture.read(tmp_path / "7.safetensors")
    assert kept.logits is not None
    assert kept.positions is not None
    assert (kept.logits.tolist(), kept.positions.tolist()) == ([2.0, 0.0, 4.0], [[4.0, 2.0]])
