"""LoRA adapters of one base, and suites of one candidate: one start of the real engine, answers of their own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probes.recording import load_recording
from runners.backends.vllm_engine import VllmEngine
from runners.batch.command import multirun
from runners.batch.job import Job, do, logging_to
from runners.batch.summary import load_summary
from tests.small_models import small_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("base"), layers=2)


def adapter(base: Path, folder: Path, seed: int, rank: int = 4) -> Path:
    """A random adapter on the attention, large enough to change what is said."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    wish = LoraConfig(r=rank, lora_alpha=4 * rank, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), wish).save_pretrained(folder)
    return folder


def likeliest(base: Path, adapter: Path, text: str) -> tuple[int, float]:
    """The next token and its logprob as peft has it."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter).eval()
    tokens = AutoTokenizer.from_pretrained(base)(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logprobs = model(input_ids=tokens).logits[0, -1].log_softmax(0)
    return int(logprobs.argmax()), float(logprobs.max())


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every start of an engine; jobs are done in this process."""
    from runners.batch import local

    found: list[str] = []
    start = VllmEngine.__enter__

    def counted(self: VllmEngine) -> VllmEngine:
        found.append(self.model)
        return start(self)

    def do_here(job: Job) -> str:
        with logging_to(job.log):
            do(job.file)
        return "it ended"

    monkeypatch.setattr(VllmEngine, "__enter__", counted)
    monkeypatch.setattr(local, "_do_here", do_here)
    return found


def test_adapters_and_suites_share_a_start(base: Path, tmp_path: Path, starts: list[str]) -> None:
    adapters = {name: adapter(base, tmp_path / name, seed) for seed, name in enumerate(("one", "two"))}
    rows = [f"{base},{name},{path}" for name, path in adapters.items()]
    (tmp_path / "list.csv").write_text("\n".join(["model,name,adapter", *rows]) + "\n", "utf-8")
    engine = ["backend.engine.dtype=float32", "backend.engine.max_model_len=512"]
    asked = [f"candidates={tmp_path / 'list.csv'}", f"batch={tmp_path / 'batch'}", "tier=topk", "suite=quick,habits"]
    assert multirun("collect", ["-m", *asked, *engine]) == 0
    assert starts == [str(base)]
    lines = load_summary(tmp_path / "batch", "collect")
    assert [line.status for line in lines] == ["done"] * 4
    found: dict[str, Any] = {}
    for line in lines:
        recording = load_recording(line.out)
        if recording.manifest.suite["name"] == "quick":
            found[line.candidate] = recording
        assert recording.manifest.sampling["adapter"] == str(adapters[line.candidate])
    for name, path in adapters.items():
        first = next(canary for canary in found[name].suite.canaries if canary.messages is None)
        [answer] = [one for one in found[name].answers if one.canary_id == first.id]
        token, logprob = likeliest(base, path, str(first.text))
        assert answer.topk_ids[0] == token
        np.testing.assert_allclose(answer.topk_logprobs[0], logprob, atol=2e-3)
    texts = [[answer.text for answer in recording.answers] for recording in found.values()]
    assert texts[0] != texts[1]
