"""Formats that only vLLM can judge: it serves what compressed-tensors packed, and mixtures, as what they stand for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from probes.suite import load_suite
from runners.backends.interface import Request
from runners.backends.transformers import Transformers
from runners.backends.vllm_engine import VllmEngine
from runners.zoo.techniques.compressed import quantize
from runners.zoo.techniques.upcycle import upcycle
from tests.small_models import small_model

pytestmark = pytest.mark.engine
FORMATS: dict[str, tuple[str, Callable[[Path, Path], Path], float]] = {
    "int4": ("llama", lambda source, out: quantize(source, out, 4), 0.9),
    "int8": ("llama", lambda source, out: quantize(source, out, 8), 0.99),
    "mixtral": ("llama", lambda source, out: upcycle(source, out, experts=3), 0.999),
    "qwen2_moe": ("qwen2", lambda source, out: upcycle(source, out, experts=3), 0.999),
}


@pytest.mark.parametrize(
    "name",
    ["int4", "mixtral", *(pytest.param(one, marks=pytest.mark.slow) for one in ("int8", "qwen2_moe"))],
)
def test_vllm_serves_what_was_made_like_its_dense_parent(tmp_path: Path, name: str) -> None:
    kind, make, least = FORMATS[name]
    dense = small_model(tmp_path / "dense", kind)
    made = make(dense, tmp_path / "made")
    requests = [Request(canary, 0, 1.0, 1.0, 0) for canary in load_suite("quick").canaries if canary.text][:16]
    rows = []
    engine = VllmEngine(str(made), engine={"max_model_len": 512, "enforce_eager": True})
    for backend in (Transformers(str(dense)), engine):
        with backend:
            rows.append(np.array([logits for _, logits in backend.ask(requests, "logits", 1)]))
    theirs, ours = (row - row.mean(axis=1, keepdims=True) for row in rows)
    cosines = (theirs * ours).sum(axis=1) / np.linalg.norm(theirs, axis=1) / np.linalg.norm(ours, axis=1)
    assert np.median(cosines) >= least
    assert name.startswith("int") or (theirs.argmax(axis=1) == ours.argmax(axis=1)).mean() >= 0.9
