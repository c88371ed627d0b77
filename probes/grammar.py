"""A grammar of prompts: texts with named gaps, and what may fill each of them; drawn from by any source of choices.

A gap is `{name}`, or `{name:label}` where the same filling is wanted wherever that label stands in the prompt.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

Choose = Callable[[int], int]
"""`choose(n)` is a whole number from 0 up to, not including, n."""
Turns = Sequence[Sequence[str]]
"""A chat: role and content of each of its turns."""
_GAP = re.compile(r"\{([a-z_]+)(?::([a-z]))?\}")


class Grammar:
    """What may fill each gap: `symbols` maps its name to texts, which may have gaps too, or to words in one string."""

    def __init__(self, symbols: Mapping[str, str | Sequence[str]]) -> None:
        self.symbols = {name: tuple(one.split() if isinstance(one, str) else one) for name, one in symbols.items()}
        self._size = lru_cache(maxsize=None)(self._count)

    def fill(self, text: str, choose: Choose, bound: dict[str, str]) -> str:
        """The text with every gap filled; `bound` remembers what labels stand for. Raises KeyError on a gap unknown."""

        def filled(gap: re.Match[str]) -> str:
            name, label = gap.group(1), gap.group(2)
            if label is not None and f"{name}:{label}" in bound:
                return bound[f"{name}:{label}"]
            options = self.symbols[name]
            chosen = self.fill(options[choose(len(options))], choose, bound)
            if label is not None:
                bound[f"{name}:{label}"] = chosen
            return chosen

        return _GAP.sub(filled, text)

    def prompt(self, pattern: str | Turns, choose: Choose) -> str | list[tuple[str, str]]:
        """A text, or the turns of a chat (role, content), with every gap filled."""
        bound: dict[str, str] = {}
        if isinstance(pattern, str):
            return self.fill(pattern, choose, bound)
        return [(role, self.fill(content, choose, bound)) for role, content in pattern]

    def size(self, pattern: str | Turns) -> int:
        """How many ways there are to fill a prompt's gaps (a few of them may spell the same)."""
        return self._size(pattern if isinstance(pattern, str) else "".join(content for _, content in pattern))

    def _count(self, text: str) -> int:
        gaps = {(name, label or place) for place, (name, label) in enumerate(_GAP.findall(text))}
        ways = 1
        for name, _ in gaps:
            ways *= sum(self._size(option) for option in self.symbols[name])
        return ways
