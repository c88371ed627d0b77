"""Anybody's text as HTML: spelled out, cut to a length, escaped, and kept from turning its neighbours around."""

from markupsafe import Markup, escape

from analysis.report.hostile import NAME_LIMIT, visible, visible_edges, visible_lines

TEXT_LIMIT = 2000
"""Characters of a prompt, or of any text without a limit of its own."""
_ANSWER_LIMIT = 240


def name(text: object) -> Markup:
    """A name: of a model, a family, a file."""
    return _isolated(visible(str(text), NAME_LIMIT))


def text(text: object) -> Markup:
    """Any other text, in one line."""
    return _isolated(visible(str(text), TEXT_LIMIT))


def answer(text: str, start: bool = True, end: bool = True) -> Markup:
    """An answer or a token, or a piece of one: spaces at its start and end are shown."""
    return escape(visible_edges(text, _ANSWER_LIMIT, start, end))


def lines(text: str) -> Markup:
    """A prompt, in lines of its own."""
    return escape(visible_lines(text, TEXT_LIMIT))


def code(text: object) -> Markup:
    """A name in the words of the machine: a channel, a canary."""
    return Markup("<code>{}</code>").format(name(text))


def _isolated(shown: str) -> Markup:
    return Markup("<bdi>{}</bdi>").format(shown)
