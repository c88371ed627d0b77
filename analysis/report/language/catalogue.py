"""One language: all words of the page by their keys, with places for what is told in them."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Self

from markupsafe import Markup, escape

from analysis.report.hostile import NAME_LIMIT, visible
from analysis.report.markup import TEXT_LIMIT, code, name, text
from probes.errors import KinprintError

LANGUAGES = ("en", "zh")
_TOLD_IN = "en"  # the language of what verdicts hold in words: reasons, bases, warnings


class Language:
    """Says what a key stands for: `say("signal.answered", asked=48, ...)`.

    A value that is Markup stands as it is; any other is somebody's text, and is spelled out, cut and escaped.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self.code = texts["language.code"]

    @classmethod
    def load(cls, code: str) -> Self:
        """Raises KinprintError for a language that there is no catalogue of."""
        if code not in LANGUAGES:
            raise KinprintError(f"there is no report in language {code!r}; known are {', '.join(LANGUAGES)}")
        catalogue = files("analysis.report.language").joinpath(f"{code}.toml").read_text("utf-8")
        return cls(dict(_flat(tomllib.loads(catalogue))))

    def __call__(self, key: str, /, **values: object) -> Markup:
        """The words of a key, as HTML."""
        shown = {place: value if isinstance(value, Markup) else text(_number(value)) for place, value in values.items()}
        return escape(self.texts[key]).format(**shown)

    def plain(self, key: str, /, **values: object) -> str:
        """The words of a key as plain text, to be escaped: for the title of a page or of a picture."""
        return self.texts[key].format(**{k: visible(str(_number(v)), TEXT_LIMIT) for k, v in values.items()})

    def names(self, names: Iterable[str]) -> Markup:
        """Names in a row."""
        return Markup(escape(self.texts["language.separator"])).join(name(one) for one in names)

    def joined(self, parts: Iterable[Markup]) -> Markup:
        """Pieces in a row."""
        return Markup(escape(self.texts["language.separator"])).join(parts)

    def term(self, kind: str, word: str) -> Markup:
        """What a word of the machine stands for; the word itself where the catalogue has none for it."""
        key = f"{kind}.{word}"
        return self(key) if key in self.texts else code(word)

    def plain_term(self, kind: str, word: str) -> str:
        """As `term`, as plain text."""
        return self.texts.get(f"{kind}.{word}", visible(word, NAME_LIMIT))

    def original(self, words: str) -> Markup:
        """A sentence of the verdict, in the words that it has there, marked as such in another language."""
        if self.code == _TOLD_IN:
            return text(words)
        return Markup('<q lang="{}">{}</q>').format(_TOLD_IN, text(words))

    def percent(self, probability: float) -> str:
        """A probability: never rounded up to certainty."""
        if probability > 0.999:
            return self.plain("number.over", share="99.9%")
        if probability < 0.001:
            return self.plain("number.under", share="0.1%")
        return f"{100 * probability:.1f}%"

    def duration(self, seconds: float) -> str:
        """Seconds, and minutes where there are any."""
        if seconds < 60:
            return self.plain("number.seconds", seconds=f"{seconds:.1f}")
        minutes, rest = divmod(round(seconds), 60)
        return self.plain("number.minutes", minutes=minutes, seconds=rest)


def _number(value: object) -> object:
    return f"{value:,}" if isinstance(value, int) else value


def _flat(tables: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tables.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, str(value)
