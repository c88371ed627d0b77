"""Canaries with images: what the suite promises, and what the form of a suite's file lets in."""

import json
from pathlib import Path

import numpy as np
import pytest

from probes.canary import Canary, Message
from probes.drawing import Mark, draw, words
from probes.errors import SuiteError
from probes.image_suite import image_suite
from probes.picture import MOST_BYTES, Picture
from probes.suite import SHIPPED, Suite, load_suite

SHIPPED_BEFORE = {
    "chat": "ea90957888bdf060eb5385da8b4e4a6ac5253ec94231f28dd522db99dbea79d0",
    "core": "42dc53da9f8ca874eb188ca30ab0a965e0569ac3d75d9be7b70f5f858bf3099b",
    "habits": "fee5d327a691118612a61826bc47497e3f9d3f20f607182b8e13599aed248cec",
    "quick": "17f36ac686f09e63817defcc334502f1bad927df5cba64319d884e45f1199b2d",
}
RED = Picture.of_pixels(np.full((4, 4, 3), (214, 40, 40), np.uint8))


def canary(image: Picture | None = RED, text: str | None = None, **changes: str) -> Canary:
    turn = Message(changes.get("role", "user"), changes.get("words", "What is drawn here?"))
    messages = None if text is not None else (turn,)
    return Canary(changes.get("id", "one"), "image", text, messages, 4, 1, "A red square", "a test", image)


def test_the_suite_shows_what_its_drawings_say_pixel_for_pixel() -> None:
    shipped, drawn = load_suite("image"), image_suite()
    assert [(c.id, c.messages, c.why, c.max_tokens, c.draws) for c in shipped.canaries] == [
        (c.id, c.messages, c.why, c.max_tokens, c.draws) for c in drawn.canaries
    ]
    for one, other in zip(shipped.canaries, drawn.canaries, strict=True):
        assert one.image is not None
        assert other.image is not None
        assert np.array_equal(one.image.pixels(), other.image.pixels()), one.id


def test_at_least_two_dozen_pictures_no_two_alike_each_with_its_reason() -> None:
    suite = load_suite("image")
    assert len({c.image.pixels().tobytes() for c in suite.canaries if c.image is not None}) == len(suite) >= 24
    assert len({c.kind for c in suite.canaries}) == 6
    assert [c.id for c in suite.canaries if len(c.why) <= 20 or not c.source.strip()] == []
    assert len({c.why for c in suite.canaries}) == len(suite)


def test_the_file_says_what_it_holds_and_stays_as_small_as_prose() -> None:
    content = (SHIPPED / "image.jsonl").read_text("utf-8")
    assert content == load_suite("image").to_jsonl()
    assert len(content) < 50_000


@pytest.mark.parametrize("name", sorted(SHIPPED_BEFORE))
def test_suites_without_images_are_what_they_were(name: str) -> None:
    assert load_suite(name).sha256 == SHIPPED_BEFORE[name]


def test_an_image_is_part_of_the_prompt_and_of_the_suites_hash() -> None:
    other = Picture.of_pixels(np.full((4, 4, 3), (31, 80, 200), np.uint8))
    one, blue, bare = canary(), canary(other), canary(None)
    assert len({one.digest, blue.digest, bare.digest}) == 3
    assert len({Suite("s", (c,)).sha256 for c in (one, blue, bare)}) == 3
    assert "image" not in bare.row()


def test_text_and_images_go_through_a_file_as_they_are(tmp_path: Path) -> None:
    suite = Suite("mixed", (canary(None, text="Once upon", id="a"), canary(id="b"), canary(None, id="c")))
    path = tmp_path / "mixed.jsonl"
    path.write_text(suite.to_jsonl(), "utf-8")
    assert load_suite(path) == suite
    assert load_suite(path).sha256 == suite.sha256


def test_an_image_needs_a_users_turn_to_stand_in() -> None:
    with pytest.raises(SuiteError, match="needs 'messages' that end with the user's turn"):
        canary(text="Once upon")
    with pytest.raises(SuiteError, match="needs 'messages' that end with the user's turn"):
        canary(role="assistant")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("!", "not base64"),
        ("PHN2Zy8+", "must be a PNG file"),
        (None, "'image' of the wrong kind"),
        (7, "'image' of the wrong kind"),
    ],
)
def test_what_is_no_image_is_named_with_its_canary(tmp_path: Path, image: object, said: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps({**canary().row(), "image": image}), "utf-8")
    with pytest.raises(SuiteError, match=said):
        load_suite(path)


def test_an_image_may_not_be_large() -> None:
    huge = bytearray(RED.png)
    huge[16:24] = (100_000).to_bytes(4, "big") * 2
    for content in (bytes(huge), RED.png + b"\0" * MOST_BYTES):
        with pytest.raises(SuiteError, match="may have 1048576 bytes and 4194304 pixels"):
            Picture(content)


def test_a_damaged_image_is_one_sentence() -> None:
    with pytest.raises(SuiteError, match="image can't be read"):
        Picture(RED.png[:40]).pixels()


def test_marks_stand_where_they_are_put_at_any_size() -> None:
    for side in (32, 128):
        pixels = draw([Mark("square", "red", 0.25, 0.25, 0.4), Mark("circle", "blue", 0.75, 0.75, 0.4)], side)
        assert pixels[side // 4, side // 4].tolist() == [214, 40, 40]
        assert pixels[3 * side // 4, 3 * side // 4].tolist() == [31, 80, 200]
        assert pixels[side // 4, 3 * side // 4].tolist() == [255, 255, 255]


def test_a_letter_is_drawn_dot_by_dot() -> None:
    dots = (draw(words("L", "black", 5 / 14, 0.5, 1.0), 7)[:, :, 0] < 128).astype(int)
    assert dots[:, :5].tolist() == [[1, 0, 0, 0, 0]] * 6 + [[1, 1, 1, 1, 1]]
