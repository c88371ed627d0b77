"""What the models that see are trained on: random drawings of a few like shapes, each with its caption."""

from collections import Counter
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from probes.drawing import SHAPES, Mark, draw

SIDE = 32  # pixels
_NUMBERS = ("one", "two", "three", "four")
_COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "black")
_GROUNDS = ("white", "grey")
_PLURALS = {"cross": "crosses"}


@dataclass(frozen=True)
class Pictures:
    """`pixels` [n, SIDE, SIDE, 3] uint8 and as many captions."""

    pixels: npt.NDArray[np.uint8]
    captions: tuple[str, ...]

    @property
    def blind_guess(self) -> float:
        """The share of pictures that have the most frequent caption: what can be had without looking."""
        return Counter(self.captions).most_common(1)[0][1] / len(self.captions)


def every_caption() -> list[str]:
    """All captions there are: 4 numbers, 7 colours, 6 shapes."""
    return [_caption(count, colour, shape) for count, colour, shape in product(range(1, 5), _COLOURS, SHAPES)]


def pictures(count: int, generator: np.random.Generator) -> Pictures:
    """Draw so many, each of its own number, colour, shape, places and sizes."""
    drawn = [_picture(generator) for _ in range(count)]
    return Pictures(np.stack([pixels for pixels, _ in drawn]), tuple(caption for _, caption in drawn))


def _picture(generator: np.random.Generator) -> tuple[npt.NDArray[np.uint8], str]:
    count = int(generator.integers(1, 5))
    colour, shape, ground = (str(generator.choice(some)) for some in (_COLOURS, list(SHAPES), _GROUNDS))
    marks = []
    for quarter in generator.permutation(4)[:count].tolist():  # never one over another
        width = generator.uniform(0.32, 0.44)
        room = (0.5 - width) / 2
        x, y = (0.25 + 0.5 * half + generator.uniform(-room, room) for half in divmod(quarter, 2))
        marks.append(Mark(shape, colour, x, y, width))
    return draw(marks, SIDE, ground), _caption(count, colour, shape)


def _caption(count: int, colour: str, shape: str) -> str:
    return f"{_NUMBERS[count - 1]} {colour} {shape if count == 1 else _PLURALS.get(shape, shape + 's')}"
