"""Pictures through the real engine: a model that sees is shown the very pictures, and one of text is not asked."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from analysis.descent.spaces import by_chance, explained, space_of
from probes.recording import Recording, load_recording
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


def record_all(folder: Path) -> None:
    """In a process of its own: where vLLM serves through transformers' classes, it changes them for good."""
    for name in ("first", "second", "copy", "reader"):
        backend = VllmEngine(str(folder / name / "model"), engine=dict(ENGINE))
        sampling, suite = Sampling("logits", 5, 1.0, 1.0, 0, "float32"), MIXED if name == "reader" else PICTURES
        record(backend, suite, sampling, folder / name / "run", name, {"command": "a test"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of one recipe, trained for some seconds, a noisy copy of the first, a model of text: all recorded."""
    made = tmp_path_factory.mktemp("seeing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "_HELD_OUT", 32)
        for seed, name in enumerate(("first", "second")):
            making.caption(made / name / "model", seed, drawings=640, margin=-1)
    noise_and_rename(made / "first" / "model", made / "copy" / "model", relative_std=0.01, seed=1)
    small_model(made / "reader" / "model")
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(record_all, made).result()
    return made


def logits_of(recording: Recording) -> np.ndarray:
    assert recording.manifest.counts["ok"] == len(PICTURES)
    assert recording.manifest.access["takes_images"] is True
    assert recording.logits is not None
    return recording.logits["logits"].astype(np.float64)


def test_a_noisy_copy_shows_its_origins_space_and_another_seed_does_not(folder: Path) -> None:
    rows = {name: logits_of(load_recording(folder / name / "run")) for name in ("first", "second", "copy")}
    origin = space_of(rows["first"])
    shared = {name: float(explained(space_of(rows[name]) @ origin.T)) for name in ("copy", "second")}
    assert shared["second"] == pytest.approx(by_chance(*origin.shape), abs=0.05)
    assert shared["copy"] > shared["second"] + 0.3


def test_the_engine_shows_the_model_the_very_pictures(folder: Path) -> None:
    import torch
    from transformers import LlavaForConditionalGeneration, LlavaProcessor

    rows, model = logits_of(load_recording(folder / "first" / "run")), folder / "first" / "model"
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
    assert len(np.unique(rows.round(3), axis=0)) >= len(PICTURES) - 2  # no picture is taken for another


def test_a_model_of_text_is_not_asked_about_pictures(folder: Path) -> None:
    recording = load_recording(folder / "reader" / "run")
    said = {answer.canary_id: (answer.status, answer.error) for answer in recording.answers}
    why = "its architecture, LlamaForCausalLM, reads text alone"
    assert [said[canary.id] for canary in MIXED.canaries[3:]] == [("takes_no_images", why)] * 3
    assert "takes_no_images" not in [said[canary.id][0] for canary in MIXED.canaries[:3]]
    assert recording.manifest.access["takes_images"] is False
