"""How the suite `image` was drawn: every canary with its scene. `python -m probes.image_suite` writes it anew.

The shipped file holds PNG files as they were compressed once. What is drawn here has the same pixels for ever, and
maybe other bytes under another version of the library that compresses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from probes.canary import Canary, Message
from probes.drawing import COLOURS, Mark, Pixels, bar, draw, words
from probes.picture import Picture
from probes.suite import SHIPPED, Suite

NAME = "image"
SIDE = 128  # pixels: models that see cut pictures into squares of 14 to 32
_WHAT = "What is drawn here?"
_SHORT = "Describe this picture in one short sentence."


@dataclass(frozen=True)
class Scene:
    """One picture, what is asked about it, and why."""

    kind: str
    question: str
    pixels: Pixels
    why: str


def image_suite() -> Suite:
    """The suite, drawn now."""
    counts: dict[str, int] = {}
    canaries = []
    for scene in scenes():
        counts[scene.kind] = counts.get(scene.kind, 0) + 1
        canaries.append(
            Canary(
                id=f"image-{scene.kind}-{counts[scene.kind]:03d}",
                kind=f"image_{scene.kind}",
                text=None,
                messages=(Message("user", scene.question),),
                max_tokens=16,
                draws=3,
                why=scene.why,
                source="written and drawn for kinprint",
                image=Picture.of_pixels(scene.pixels),
            )
        )
    return Suite(NAME, tuple(canaries))


def scenes() -> Iterator[Scene]:
    """All of them, in the order of the suite."""
    yield from _shapes()
    yield from _counts()
    yield from _places()
    yield from _writing()
    yield from _charts()
    yield from _textures()


def _shapes() -> Iterator[Scene]:
    one = (
        ("circle", "red", "white", _WHAT, "The plainest picture there is: is it a circle, a ball, a dot or a sun"),
        ("square", "blue", "white", _WHAT, "A square or a blue box: the noun and whether its colour is named"),
        ("triangle", "green", "white", _SHORT, "A sentence about a triangle: article, colour, and what is made of it"),
        ("cross", "orange", "white", _WHAT, "A cross, a plus sign or a Swiss flag: the reading of a symbol"),
        ("ring", "purple", "white", _SHORT, "A ring, a circle or the letter O: naming a shape with a hole"),
        ("diamond", "black", "white", _WHAT, "A diamond, a rhombus or a square on its corner"),
        ("circle", "yellow", "black", _SHORT, "Yellow on black: the moon, a sun, or a yellow circle"),
        ("square", "white", "grey", "What colour is the square?", "White on grey: colour against its surroundings"),
    )
    for shape, colour, ground, question, why in one:
        yield Scene("shape", question, draw([Mark(shape, colour, 0.5, 0.5, 0.55)], SIDE, ground), why)


def _counts() -> Iterator[Scene]:
    many = (
        ("circle", "red", ((0.28, 0.3), (0.7, 0.68)), "How many circles are there?", "Two of a kind: digit or word"),
        ("square", "green", ((0.25, 0.25), (0.75, 0.3), (0.5, 0.75)), _WHAT, "Three of a kind, counted unasked or not"),
        ("triangle", "blue", ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)), "Count the triangles.",
         "Four in a grid: the answer's first word is a number or a phrase"),
        ("diamond", "purple", tuple((0.12 + 0.19 * n, 0.5) for n in range(5)), "How many shapes are there?",
         "Five in a row: where counting by sight ends"),
        ("circle", "black", tuple((0.2 + 0.3 * (n % 3), 0.2 + 0.3 * (n // 3)) for n in range(9)), "How many dots?",
         "Nine dots in a square: known pattern or real count"),
        ("cross", "orange", tuple((0.13 + 0.247 * (n % 4), 0.3 + 0.4 * (n // 4)) for n in range(7)),
         "Count the crosses.", "Seven crosses, one short of a grid: models that guess the grid say eight"),
    )  # fmt: skip
    for shape, colour, places, question, why in many:
        width = 0.34 if len(places) < 5 else 0.16
        yield Scene("count", question, draw([Mark(shape, colour, x, y, width) for x, y in places], SIDE), why)


def _places() -> Iterator[Scene]:
    left = [Mark("circle", "red", 0.25, 0.5, 0.4), Mark("square", "blue", 0.75, 0.5, 0.4)]
    over = [Mark("triangle", "green", 0.5, 0.25, 0.4), Mark("circle", "orange", 0.5, 0.75, 0.35)]
    within = [Mark("square", "purple", 0.5, 0.5, 0.8), Mark("circle", "yellow", 0.5, 0.5, 0.35)]
    sizes = [Mark("circle", "blue", 0.3, 0.5, 0.5), Mark("circle", "red", 0.8, 0.5, 0.2)]
    corner = [Mark("diamond", "red", 0.85, 0.85, 0.22)]
    house = [bar("orange", 0.25, 0.5, 0.75, 0.9), Mark("triangle", "red", 0.5, 0.3, 0.7, 0.4),
             bar("blue", 0.44, 0.65, 0.56, 0.9)]  # fmt: skip
    asked = (
        (left, "What is to the left of the square?", "Left and right of two shapes that differ in everything"),
        (over, "Which shape is above the other?", "Above and below: the answer names a shape or a colour first"),
        (within, "What is inside the square?", "One shape within another: containment in a word or two"),
        (sizes, "Which circle is larger?", "Size by colour: the answer must say which by its colour"),
        (corner, "Where in the picture is the diamond?", "A corner: 'bottom right' or 'lower right corner'"),
        (house, _WHAT, "Three shapes that make a house: parts or whole, and which words"),
    )
    for marks, question, why in asked:
        yield Scene("place", question, draw(marks, SIDE), why)


def _writing() -> Iterator[Scene]:
    lines = (
        (
            (("HELLO", 0.5, 0.2),),
            "black",
            "white",
            "What does it say?",
            "A greeting: quoted, in capitals, or answered",
        ),
        (
            (("STOP", 0.5, 0.25),),
            "white",
            "red",
            "What is written here?",
            "White on red: a word, or a traffic sign",
        ),
        ((("CAT", 0.3, 0.2), ("HAT", 0.7, 0.2)), "blue", "white", "Read the words.", "Two lines: how they are joined"),
        ((("42", 0.5, 0.45),), "black", "yellow", "Which number is this?", "Digits as digits, as words, or as a joke"),
        ((("3+4=", 0.5, 0.25),), "black", "white", "What is the answer?", "A sum to be read first and then done"),
        ((("X", 0.5, 0.7),), "green", "white", "Which letter is this?", "One letter, or a cross that means no"),
        ((("RED", 0.5, 0.3),), "blue", "white", "What colour is the word?", "Stroop: the word names another colour"),
        ((("NOT A", 0.3, 0.15), ("CAT", 0.65, 0.3)), "black", "white", _WHAT, "Writing about a picture that isn't one"),
    )
    for text, colour, ground, question, why in lines:
        marks = [mark for line, y, height in text for mark in words(line, colour, 0.5, y, height)]
        yield Scene("writing", question, draw(marks, SIDE, ground), why)


def _charts() -> Iterator[Scene]:
    def columns(heights: Sequence[float], colours: Sequence[str]) -> list[Mark]:
        wide = 0.8 / len(heights)
        found = [bar("black", 0.06, 0.9, 0.94, 0.92), bar("black", 0.06, 0.08, 0.08, 0.92)]
        for place, height in enumerate(heights):
            left = 0.12 + wide * place
            found.append(bar(colours[place % len(colours)], left, 0.9 - 0.8 * height, left + 0.7 * wide, 0.9))
        return found

    line = [Mark("circle", "red", 0.1 + 0.08 * n, 0.85 - 0.007 * n * n, 0.06) for n in range(11)]
    share = [Mark("circle", "blue", 0.5, 0.5, 0.8), bar("orange", 0.5, 0.1, 0.52, 0.5)]
    three = ("red", "green", "blue")
    yield Scene("chart", "Which bar is the tallest?", draw(columns((0.4, 0.9, 0.6), three), SIDE),
                "Three bars: position or colour names the tallest")  # fmt: skip
    yield Scene("chart", "What does this chart show?", draw(columns((0.2, 0.35, 0.5, 0.65, 0.8), ("purple",)), SIDE),
                "Five bars that rise without labels: what a model makes up about them")  # fmt: skip
    yield Scene("chart", "Is it rising or falling?", draw(line, SIDE), "A curve of dots: one word, or a sentence")
    yield Scene("chart", _SHORT, draw(share, SIDE), "A disc with a line in it: clock, pie chart or ball")


def _textures() -> Iterator[Scene]:
    generator = np.random.Generator(np.random.PCG64(7))  # its numbers are the same in every version
    grey = np.repeat((generator.integers(0, 256, (32, 32, 1)) * np.ones(3)).astype(np.uint8), 4, axis=0)
    coloured = np.repeat(generator.integers(0, 256, (16, 16, 3)).astype(np.uint8), 8, axis=0)
    board = [bar("black", 0.25 * (n % 4), 0.25 * (n // 4), 0.25 * (n % 4 + 1), 0.25 * (n // 4 + 1))
             for n in range(16) if (n % 4 + n // 4) % 2]  # fmt: skip
    stripes = [bar("blue", 0.0, n / 8, 1.0, (n + 1) / 8) for n in range(0, 8, 2)]
    fade = np.broadcast_to(np.linspace(0, 255, SIDE).astype(np.uint8)[None, :, None], (SIDE, SIDE, 3)).copy()
    plain = (
        (draw([], SIDE), _WHAT, "Nothing at all: does a model admit it, or see something"),
        (draw([], SIDE, "black"), _SHORT, "All black: darkness, night or a missing picture"),
        (np.repeat(grey, 4, axis=1), _WHAT, "Grey noise: static, or whatever a model imagines in it"),
        (np.repeat(coloured, 8, axis=1), _SHORT, "Coloured noise in blocks: pixels, mosaic or an abstract work"),
        (draw(board, SIDE), _WHAT, "A chequered board of four by four: chess, though too small for it"),
        (draw(stripes, SIDE), _SHORT, "Blue and white stripes: flag, pattern, sea"),
        (fade, _SHORT, "From black to white: gradient, or light through a door"),
        (np.full((SIDE, SIDE, 3), COLOURS["green"], np.uint8), "What colour is this?", "One colour, nothing else"),
    )
    for pixels, question, why in plain:
        yield Scene("texture", question, pixels, why)


if __name__ == "__main__":
    (SHIPPED / f"{NAME}.jsonl").write_text(image_suite().to_jsonl(), "utf-8", newline="\n")
