"""Small pictures for canaries and for the models of the zoo that see: flat marks on a flat ground.

Drawn pixel by pixel, each by its centre, with no smoothing and no font file: the same pixels from every version of
every library. Places and sizes are shares of the picture's side, from 0 to 1, so a scene can be drawn at any size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""[side, side, 3]: red, green and blue of each pixel."""
_Plane = npt.NDArray[np.float64]
_Inside = npt.NDArray[np.bool_]

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "green": (44, 160, 44),
    "blue": (31, 80, 200),
    "yellow": (245, 205, 30),
    "purple": (140, 60, 170),
    "orange": (245, 130, 20),
    "black": (20, 20, 20),
    "white": (255, 255, 255),
    "grey": (150, 150, 150),
}
_GLYPHS = {  # five pixels wide, seven high, a number a row
    "A": (14, 17, 17, 31, 17, 17, 17),
    "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (30, 17, 17, 17, 17, 17, 30),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "K": (17, 18, 20, 24, 20, 18, 17),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "O": (14, 17, 17, 17, 17, 17, 14),
    "P": (30, 17, 17, 30, 16, 16, 16),
    "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "X": (17, 17, 10, 4, 10, 17, 17),
    "0": (14, 17, 19, 21, 25, 17, 14),
    "2": (14, 17, 1, 6, 8, 16, 31),
    "3": (30, 1, 1, 14, 1, 1, 30),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "+": (0, 4, 4, 31, 4, 4, 0),
    "=": (0, 0, 31, 0, 31, 0, 0),
}


def _triangle(x: _Plane, y: _Plane) -> _Inside:
    return (y <= 1) & (y >= 2 * abs(x) - 1)


SHAPES: dict[str, Callable[[_Plane, _Plane], _Inside]] = {
    "circle": lambda x, y: x * x + y * y <= 1,
    "square": lambda x, y: np.maximum(abs(x), abs(y)) <= 0.88,
    "triangle": _triangle,
    "cross": lambda x, y: (np.minimum(abs(x), abs(y)) <= 0.3) & (np.maximum(abs(x), abs(y)) <= 1),
    "ring": lambda x, y: (x * x + y * y <= 1) & (x * x + y * y >= 0.3),
    "diamond": lambda x, y: abs(x) + abs(y) <= 1,
}
"""Which points (x to the right, y down, both from -1 to 1) belong to a shape."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A shape with its centre at (x, y), `width` across and `height` high (as wide where not given)."""

    shape: str
    colour: str
    x: float
    y: float
    width: float
    height: float | None = None


def draw(marks: Sequence[Mark], side: int, ground: str = "white") -> Pixels:
    """Draw marks one over the other."""
    pixels = np.full((side, side, 3), COLOURS[ground], np.uint8)
    centres = (np.arange(side) + 0.5) / side
    for mark in marks:
        x = (centres - mark.x)[np.newaxis, :] / (mark.width / 2)
        y = (centres - mark.y)[:, np.newaxis] / ((mark.height or mark.width) / 2)
        pixels[_inside(mark.shape, x, y)] = COLOURS[mark.colour]
    return pixels


def bar(colour: str, left: float, top: float, right: float, bottom: float) -> Mark:
    """A filled rectangle by its edges."""
    return Mark("bar", colour, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def words(text: str, colour: str, x: float, y: float, height: float) -> list[Mark]:
    """A line of text around (x, y), in capital letters of a bitmap font, which has only those that suites use."""
    dot = height / 7
    marks = []
    for place, letter in enumerate(text):
        left = x + dot * (6 * place - (6 * len(text) - 1) / 2)
        for row, bits in enumerate(_GLYPHS[letter] if letter != " " else ()):
            for column in (one for one in range(5) if bits >> (4 - one) & 1):
                across, down = left + dot * column, y - height / 2 + dot * row
                marks.append(bar(colour, across, down, across + dot, down + dot))
    return marks


def _inside(shape: str, x: _Plane, y: _Plane) -> _Inside:
    if shape == "bar":
        return (x >= -1) & (x < 1) & (y >= -1) & (y < 1)
    return SHAPES[shape](x, y)
