"""Text from models and users, made safe to look at: nothing in it can hide, reorder or run past its place."""

import unicodedata

_PICTURES = 0x2400  # U+2400 SYMBOL FOR NULL: the pictures of the ASCII controls follow in their order
_DELETE = 0x7F
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 4  # on one character; real scripts need three, more of them climb over the lines above

# Drawn as nothing (or as plain space) although their category is that of a letter, a mark, a symbol or a space.
_BLANKS = frozenset(
    [0x00A0, 0x034F, 0x115F, 0x1160, 0x1680, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x202F, 0x205F]
    + [0x2800, 0x3164, 0xFFA0, *range(0x2000, 0x200B), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
)


def visible(text: str, limit: int, keep_lines: bool = False) -> str:
    """The text with everything unseen spelled out, at most `limit` characters long (then it ends in an ellipsis).

    ASCII controls become their pictures (␀, ␊), all other control, format, bidirectional, zero-width, private and
    unassigned characters become ⟨U+202E⟩. With `keep_lines` line feeds stay, for text shown in lines of its own.
    Markup is left as it is: escaping is the business of whoever prints.

    >>> visible("moon\\u202e\\x00", 80)
    'moon⟨U+202E⟩␀'
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


def visible_edges(text: str, limit: int) -> str:
    """As `visible`, with the spaces at both ends shown as ␣: for answers and tokens, where they matter."""
    core = text.strip(" ")
    before = len(text) - len(text.lstrip(" ")) if core else len(text)
    after = len(text) - before - len(core)
    return visible("␣" * before + core + "␣" * after, limit)


def _spell(character: str, too_many_marks: bool) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == _DELETE:
        return "␡"
    if too_many_marks or code in _BLANKS or unicodedata.category(character) in _HIDDEN_CATEGORIES:
        return f"⟨U+{code:04X}⟩"
    return character
