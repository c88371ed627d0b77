"""Models that see, trained for a moment: the same every time, measured, and refused where they have not learned."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from probes.errors import KinprintError
from runners.zoo.seeing import making
from runners.zoo.seeing.pictures import SIDE, Pictures, every_caption, pictures
from runners.zoo.techniques.rename import noise_and_rename

pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches and a measurement of a second."""
    monkeypatch.setattr(making, "_BATCH", 8)
    monkeypatch.setattr(making, "_HELD_OUT", 16)


def weights_digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_a_seed_gives_the_same_weights_each_time_and_another_seed_gives_others(tmp_path: Path) -> None:
    one, again, other = (
        making.caption(tmp_path / name / "model", seed, drawings=16, margin=-1)
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    )
    assert weights_digest(one) == weights_digest(again) != weights_digest(other)
    facts = json.loads((one / "kinprint.json").read_text("utf-8"))["derived"][0]
    assert 0 <= facts["caption_accuracy"] <= 1
    assert facts["blind_guess"] <= 3 / 16


def test_a_model_that_has_not_learned_to_see_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(KinprintError, match="has not learned to see"):
        making.caption(tmp_path / "blind" / "model", 1, drawings=8)
    assert not list((tmp_path / "blind").iterdir())


def test_a_noisy_copy_without_names_still_knows_how_to_take_a_picture(tmp_path: Path) -> None:
    from transformers import AutoConfig, LlavaProcessor

    model = making.caption(tmp_path / "one" / "model", 1, drawings=8, margin=-1)
    copy = noise_and_rename(model, tmp_path / "copy" / "model", relative_std=0.01, seed=1)
    assert weights_digest(copy) != weights_digest(model)
    assert not (copy / "kinprint.json").exists()
    assert AutoConfig.from_pretrained(copy).model_type == "llava"
    shown = pictures(1, np.random.default_rng(0)).pixels
    ours, theirs = (
        LlavaProcessor.from_pretrained(folder)(images=list(shown), text=["user: <image>"], return_tensors="pt")
        for folder in (model, copy)
    )
    assert ours["pixel_values"].equal(theirs["pixel_values"])
    assert ours["input_ids"].equal(theirs["input_ids"])
    assert ours["pixel_values"].shape == (1, 3, SIDE, SIDE)


def test_a_caption_says_what_is_in_the_picture() -> None:
    shown = pictures(60, np.random.default_rng(3))
    assert set(shown.captions) <= set(every_caption())
    for pixels, caption in zip(shown.pixels, shown.captions, strict=True):
        colours = {tuple(one) for one in pixels.reshape(-1, 3).tolist()}
        assert len(colours) == 2, caption  # the ground's and that of the shapes
        quarters = [
            pixels[top : top + SIDE // 2, left : left + SIDE // 2].reshape(-1, 3)
            for top in (0, SIDE // 2)
            for left in (0, SIDE // 2)
        ]
        count = sum(bool((quarter != quarter[0]).any()) for quarter in quarters)
        assert caption.startswith(("one", "two", "three", "four")[count - 1])


def test_the_blind_guess_is_the_most_frequent_caption() -> None:
    shown = Pictures(np.zeros((4, SIDE, SIDE, 3), np.uint8), ("one red ring", "two red rings", "one red ring", "x"))
    assert shown.blind_guess == 0.5
