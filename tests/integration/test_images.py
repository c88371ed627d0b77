"""Pictures through the real engine: a model that sees is shown the very pictures, and one of text is not asked."""

from pathlib import Path

import numpy as np
import pytest

from analysis.descent.spaces import reference_space, rows_space, weakest_third
from probes.recording import Recording
from probes.suite import Suite, load_suite
from runners.backends.vllm_engine import VllmEngine
from runners.record import Sampling, record
from runners.zoo.seeing import making
from runners.zoo.techniques.rename import noise_and_rename
from tests.small_models import small_model

pytestmark = pytest.mark.engine
PICTURES = load_suite("image")
MIXED = Suite("mixed", (*load_suite("chat").canaries[:3], *PICTURES.canaries[:3]))
ENGINE = {"max_model_len": 512, "enforce_eager": True, "dtype": "float32"}


def recorded(model: Path, suite: Suite) -> Recording:
    backend, sampling = VllmEngine(str(model), engine=dict(ENGINE)), Sampling("logits", 5, 1.0, 1.0, 0, "float32")
    return record(backend, suite, sampling, model.parent / "run", model.parent.name, {"command": "a test"})


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seeds of one recipe, trained for some seconds, and a noisy copy of the first without its names."""
    folder = tmp_path_factory.mktemp("seeing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "_HELD_OUT", 32)
        first = making.caption(folder / "first" / "model", 0, drawings=640, margin=-1)
        second = making.caption(folder / "second" / "model", 1, drawings=640, margin=-1)
    copy = noise_and_rename(first, folder / "copy" / "model", relative_std=0.01, seed=1)
    return {"first": first, "second": second, "copy": copy}


def test_a_noisy_copy_shows_its_origins_space_and_another_seed_does_not(models: dict[str, Path]) -> None:
    recordings = {name: recorded(model, PICTURES) for name, model in models.items()}
    rows = {}
    for name, recording in recordings.items():
        assert recording.manifest.counts["ok"] + recording.manifest.counts["empty"] == len(PICTURES)
        assert recording.manifest.access["takes_images"] is True
        assert recording.logits is not None
        rows[name] = recording.logits["logits"].astype(np.float64)
        assert rows[name].shape[0] == len(PICTURES)
        # each picture is looked at: no two of them give the same distribution
        assert len(np.unique(rows[name].round(3), axis=0)) >= len(PICTURES) - 2
    origin = reference_space(rows["first"])
    shared = {name: weakest_third(rows_space(rows[name], len(origin)), origin) for name in ("copy", "second")}
    assert shared["copy"] > 0.8
    assert shared["second"] < shared["copy"] / 2
    check_against_transformers(models["first"], rows["first"])


def check_against_transformers(model: Path, rows: np.ndarray) -> None:
    """The engine's logits are those of the plain model that was given the same pictures."""
    import torch
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    plain, processor = LlavaForConditionalGeneration.from_pretrained(model), LlavaProcessor.from_pretrained(model)
    for place in (0, 20, 34):
        canary = PICTURES.canaries[place]
        assert canary.image is not None
        assert canary.messages is not None
        shown = [{"type": "image"}, {"type": "text", "text": canary.messages[0].content}]
        text = processor.apply_chat_template([{"role": "user", "content": shown}], add_generation_prompt=True)
        inputs = processor(images=[canary.image.opened()], text=[text], return_tensors="pt")
        with torch.inference_mode():
            logits = plain(**inputs).logits[0, -1].numpy()
        np.testing.assert_allclose(rows[place], logits, atol=0.02 * logits.std())


def test_a_model_of_text_is_not_asked_about_pictures(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    recording = recorded(small_model(tmp_path / "reader" / "model"), MIXED)
    statuses = {answer.canary_id: answer.status for answer in recording.answers}
    assert [statuses[canary.id] for canary in MIXED.canaries[3:]] == ["takes_no_images"] * 3
    assert "takes_no_images" not in [statuses[canary.id] for canary in MIXED.canaries[:3]]
    assert recording.manifest.access["takes_images"] is False
    assert "reader takes no images: its architecture, LlamaForCausalLM, reads text alone" in capfd.readouterr().err
