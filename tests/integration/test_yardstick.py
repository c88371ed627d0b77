"""vLLM against plain transformers on SmolLM2 in float32, all core canaries, full logits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.first_tokens import log_softmax
from probes.recording import Recording
from probes.suite import load_suite
from runners.backends.interface import Backend
from runners.backends.transformers import Transformers
from runners.backends.vllm_engine import VllmEngine
from runners.record import Sampling, record
from runners.zoo.fetch import fetch
from tests.integration.conftest import ENGINE

pytestmark = pytest.mark.engine


def test_the_engine_agrees_with_transformers(tmp_path: Path) -> None:
    core = load_suite("core")
    suite = replace(core, canaries=tuple(replace(canary, max_tokens=1) for canary in core.canaries))
    sampling = Sampling("logits", 20, 1.0, 1.0, 0, "float32")
    model = str(fetch("smollm2"))

    def logprobs(backend: Backend, name: str) -> tuple[Recording, np.ndarray]:
        recording = record(backend, suite, sampling, tmp_path / name, name, {})
        assert recording.logits is not None
        return recording, log_softmax(recording.logits["logits"])

    engine, ours = logprobs(VllmEngine(model, engine={**ENGINE, "dtype": "float32"}), "vllm")
    plain, theirs = logprobs(Transformers(model, engine={"dtype": "float32"}), "transformers")
    assert ours.shape == theirs.shape == (len(suite), 49_152)
    assert engine.manifest.tokenizer == plain.manifest.tokenizer
    top = np.argsort(-theirs, axis=1)[:, :20]
    difference = np.abs(np.take_along_axis(ours, top, 1) - np.take_along_axis(theirs, top, 1))
    agreement = (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()
    print(f"arg-max agreement {agreement:.4f}, mean difference over the top 20 {difference.mean():.5f} nat")
    assert agreement >= 0.97
    assert difference.mean() <= 0.1
