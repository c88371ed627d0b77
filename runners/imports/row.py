"""One answer as a foreign file tells it, checked; or the reason why it can't be used."""

import math
from dataclasses import dataclass
from typing import Any

from probes.recording import folder_name

_LONGEST_NAME = 255  # bytes: what file systems allow a folder's name
_LARGEST_DRAW = 2**31 - 1


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be used: `where` (a line, or a file and prompt) and `why`."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """An answer given `count` times. `topk` holds (spelling, logprob in nats) of the first token, likeliest first.

    Raises ValueError, saying what is wrong, if a value is not what it should be.
    """

    where: str
    model: str
    prompt: str
    text: str
    canary_id: str | None = None
    draw: int | None = None
    temperature: float | None = None
    topk: tuple[tuple[bytes, float], ...] | None = None
    count: int = 1

    def __post_init__(self) -> None:
        for name, value in (("model", self.model), ("prompt", self.prompt), ("text", self.text)):
            check_text(name, value, blank=name == "text")
        if len(folder_name(self.model)) > _LONGEST_NAME:
            raise ValueError(f"'model' is longer than a folder's name may be ({_LONGEST_NAME} bytes)")
        if self.canary_id is not None:
            check_text("canary_id", self.canary_id)
        if self.draw is not None and not (is_whole(self.draw) and 0 <= self.draw <= _LARGEST_DRAW):
            raise ValueError(f"'draw' must be a whole number from 0 on; it is {self.draw!r}")
        if self.temperature is not None and not (is_number(self.temperature) and self.temperature >= 0):
            raise ValueError(f"'temperature' must be a number from 0 on; it is {self.temperature!r}")
        if not (is_whole(self.count) and self.count > 0):
            raise ValueError(f"a count must be a whole number from 1 on; it is {self.count!r}")


def check_text(name: str, value: Any, blank: bool = False) -> None:
    """Raises ValueError unless it is text, of valid Unicode and (if it may not be blank) with something in it."""
    if not isinstance(value, str):
        raise ValueError(f"{name!r} must be text; it is {'missing' if value is None else type(value).__name__}")
    if not blank and not value.strip():
        raise ValueError(f"{name!r} is blank")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name!r} is not valid Unicode (half a surrogate pair)") from error


def is_whole(value: Any) -> bool:
    """Whether a JSON value is an integer (true and false are not)."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
