"""The image: its dimension is the hidden size whatever the rounding, and only descendants share it."""

import numpy as np
import pytest

from analysis.channels import pair_channels
from analysis.descent.image import Image, cosines, hidden_size, image_of
from analysis.signatures.unfed import Unfed
from tests.output_spaces import ROWS, SIZE, VOCAB, arrays, descendant, stranger, student

IMAGE = pair_channels()["logit_image"]


def seen(logits: np.ndarray) -> Image:
    found = image_of(logits)
    assert isinstance(found, Image)
    return found


def bfloat16(values: np.ndarray) -> np.ndarray:
    """Rounded to eight binary digits, as bfloat16 keeps them."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 256) / 256, exponent)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kept_as", [np.float64, np.float32, np.float16])
def test_the_dimension_is_the_hidden_size(seed: int, kept_as: type) -> None:
    assert seen(stranger(seed).logits.astype(kept_as)).hidden_size == SIZE


@pytest.mark.parametrize("seed", range(5))
def test_the_dimension_survives_bfloat16(seed: int) -> None:
    found = seen(bfloat16(stranger(seed).logits)).hidden_size
    assert found is not None
    assert abs(found - SIZE) <= 0.02 * SIZE


def test_logprobs_do_as_well_as_logits() -> None:
    logits = stranger(0).logits
    logprobs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert seen(logprobs).hidden_size == SIZE
    np.testing.assert_allclose(cosines(seen(logits).basis, seen(logprobs).basis), 1, atol=1e-5)


@pytest.mark.parametrize("rows", [20, SIZE - 1, SIZE])
def test_no_more_rows_than_dimensions_show_no_dimension(rows: int) -> None:
    found = seen(stranger(0).logits[:rows])
    assert found.hidden_size is None
    assert str(rows) in found.reason


def test_rows_that_repeat_are_no_end_of_the_image() -> None:
    few = np.tile(stranger(0).logits[: SIZE - 8], (4, 1))
    noisy = few + 1e-4 * np.random.default_rng(0).normal(size=few.shape)  # as the batch changes them
    assert seen(noisy).hidden_size is None
    assert seen(np.concatenate([stranger(0).logits, noisy])).hidden_size == SIZE


@pytest.mark.parametrize("shape", [(60, 300), (200, 200), (200, 190), (300, 60)])
def test_a_spectrum_without_a_step_has_no_dimension(shape: tuple[int, int]) -> None:
    for seed in range(20):
        rows = np.random.default_rng(seed).normal(size=shape)
        rows -= rows.mean(axis=1, keepdims=True)
        assert hidden_size(np.linalg.svd(rows, compute_uv=False), shape) is None


def test_tokens_without_a_logit_are_left_out() -> None:
    logits = stranger(0).logits.copy()
    logits[:, 5] = -np.inf
    found = seen(logits)
    assert found.hidden_size == SIZE
    assert np.isfinite(found.basis).all()
    assert isinstance(image_of(logits[:3]), Unfed)
    assert isinstance(image_of(np.full((20, 40), np.nan)), Unfed)


@pytest.mark.parametrize("world", range(5))
def test_descendants_share_the_image_and_strangers_of_one_recipe_do_not(world: int) -> None:
    parent, *others = (arrays(IMAGE, stranger(seed, world)) for seed in range(3))
    child = arrays(IMAGE, descendant(stranger(0, world), world=world))
    true = IMAGE.compare(child, parent, others)
    false = IMAGE.compare(child, others[0], [parent, others[1]])
    assert true["shared"] > 0.7
    assert true["shared"] > 2 * true["shared by strangers"]
    assert false["shared"] < 0.35  # what the data made alike
    assert false["shared by strangers"] == pytest.approx(true["shared"])
    assert true["hidden size of the reference"] == IMAGE.describe(child)["hidden size"] == SIZE


@pytest.mark.parametrize("world", range(5))
def test_a_student_shares_the_strongest_directions_and_not_the_weakest(world: int) -> None:
    parent, *others = (arrays(IMAGE, stranger(seed, world)) for seed in range(3))
    child = IMAGE.compare(arrays(IMAGE, descendant(stranger(0, world), world=world)), parent, others)
    taught = IMAGE.compare(arrays(IMAGE, student(stranger(0, world), world=world)), parent, others)
    assert taught["shared"] > taught["shared by strangers"] + 0.05  # it does sound like its teacher
    assert taught["weakest"] < taught["weakest of strangers"] + 0.05
    assert child["weakest"] > child["weakest of strangers"] + 0.2


def test_what_was_kept_in_steps_shows_its_dimension_if_the_steps_are_known() -> None:
    logits = stranger(0).logits
    step = float(np.ptp(logits, axis=1).max()) / 255
    kept = np.rint(logits / step) * step
    found = image_of(kept, step)
    assert isinstance(found, Image)
    assert found.hidden_size == SIZE


def test_spaces_that_have_nothing_in_common_share_nothing_on_average() -> None:
    sides = [arrays(IMAGE, stranger(0, world)) for world in range(8)]
    shared = [IMAGE.compare(one, other, [])["shared"] for one in sides for other in sides if one is not other]
    assert abs(np.mean(shared)) < 0.02


def test_few_tokens_in_common_say_nothing() -> None:
    ours, theirs = (arrays(IMAGE, stranger(0), vocabulary=number) for number in (7, 8))
    assert np.isnan(IMAGE.compare(ours, theirs, [])["shared"])  # other ids, other spellings
    theirs["tokens"] = ours["tokens"]
    assert IMAGE.compare(ours, theirs, [])["shared"] == pytest.approx(1, abs=1e-4)  # by spelling, whatever the ids
    theirs["tokens"] = np.where(np.arange(VOCAB) < SIZE, ours["tokens"], 0)
    assert np.isnan(IMAGE.compare(ours, theirs, [])["shared"])


def test_a_few_rows_still_show_the_strongest_directions() -> None:
    parent = arrays(IMAGE, stranger(0), rows=SIZE // 2)
    child = arrays(IMAGE, descendant(stranger(0)), rows=SIZE // 2)
    other = arrays(IMAGE, stranger(1), rows=SIZE // 2)
    assert np.isnan(IMAGE.describe(child)["hidden size"])
    assert IMAGE.compare(child, parent, [])["shared"] > 2 * IMAGE.compare(child, other, [])["shared"]
    assert ROWS > SIZE
