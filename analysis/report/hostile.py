"""Text from models and users, made safe to look at: nothing in it can hide, reorder or run past its place."""

import unicodedata

_PICTURES = {"\n": "↵", "\t": "⇥"}  # signs that common fonts have; few have those for the other controls (␀)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 4  # on one character; real scripts need three, more of them climb over the lines above

# Drawn as nothing (or as plain space) although their category is that of a letter, a mark, a symbol or a space.
_BLANKS = frozenset(
    (
        *(0x00A0, 0x034F, 0x115F, 0x1160, 0x1680, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F),
        *(0x202F, 0x205F, 0x2800, 0x3164, 0xFFA0),
        *range(0x2000, 0x200B),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    )
)

NAME_LIMIT = 80
"""Characters of a name that are shown."""


def visible(text: str, limit: int, keep_lines: bool = False) -> str:
    """The text with everything unseen spelled out, at most `limit` characters long (then it ends in an ellipsis).

    Line feeds become ↵ and tabs ⇥; all other control, format, bidirectional, zero-width, private and unassigned
    characters become their number, as in ⟨U+202E⟩. With `keep_lines` line feeds stay, for text in lines of its own.
    Markup is left as it is: escaping is the business of whoever prints.

    >>> visible("moon\\u202e\\x00", 80)
    'moon⟨U+202E⟩⟨U+0000⟩'
    >>> visible("a long name", 6)
    'a lon…'
    """
    shown: list[str] = []
    length = 0
    marks = _MOST_MARKS  # a mark at the start has nothing to sit on but what stands before the text
    for place, character in enumerate(text):
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        piece = character if keep_lines and character == "\n" else _spell(character, marks > _MOST_MARKS)
        rest = place < len(text) - 1
        if length + len(piece) + rest > limit:
            return "".join(shown) + "…"
        shown.append(piece)
        length += len(piece)
    return "".join(shown)


def visible_edges(text: str, limit: int, start: bool = True, end: bool = True) -> str:
    """As `visible`, with spaces at the start and at the end shown as ␣: for answers and tokens, where they matter."""
    after_start = text.lstrip(" ") if start else text
    core = after_start.rstrip(" ") if end else after_start
    before, after = len(text) - len(after_start), len(after_start) - len(core)
    return visible("␣" * before + core + "␣" * after, limit)


def visible_lines(text: str, limit: int) -> str:
    """As `visible_edges`, for text in lines of its own: line feeds stay, and those at the end show as ↵ too."""
    core = text.strip(" ").rstrip(" \n") if text.strip(" \n") else ""
    start = text.find(core) if core else 0
    tail = text[start + len(core) :].replace(" ", "␣").replace("\n", "↵\n")
    return visible(text[:start].replace(" ", "␣") + core + tail, limit, keep_lines=True)


def _spell(character: str, too_many_marks: bool) -> str:
    code = ord(character)
    if character in _PICTURES:
        return _PICTURES[character]
    if too_many_marks or code in _BLANKS or unicodedata.category(character) in _HIDDEN_CATEGORIES:
        return f"⟨U+{code:04X}⟩"
    return character
