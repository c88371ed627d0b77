"""Nothing in a shown text may hide, reorder or run past its place."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.hostile import visible, visible_edges, visible_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, λ, 月", "plain, λ, 月"),
        ("a\nb\tc", "a↵b⇥c"),
        ("a\x00\x1b[2J\x7f", "a⟨U+0000⟩⟨U+001B⟩[2J⟨U+007F⟩"),
        ("txt\u202efdp", "txt⟨U+202E⟩fdp"),
        ("smol\u200blm\ufeff", "smol⟨U+200B⟩lm⟨U+FEFF⟩"),
        ("a\u2028b\ud800\ue000\U000e0041", "a⟨U+2028⟩b⟨U+D800⟩⟨U+E000⟩⟨U+E0041⟩"),
        ("e\u0301 e" + "\u0301" * 6, "e\u0301 e" + "\u0301" * 4 + "⟨U+0301⟩" * 2),
        ("\u0301a", "⟨U+0301⟩a"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text, 200) == shown


def test_long_text_ends_in_an_ellipsis() -> None:
    assert visible("x" * 10, 10) == "x" * 10
    assert visible("x" * 11, 10) == "x" * 9 + "…"
    assert visible("x" * 8 + "\u202e" * 9, 10) == "x" * 8 + "…"


def test_spaces_at_the_ends_are_shown() -> None:
    assert visible_edges(" the sea ", 20) == "␣the sea␣"
    assert visible_edges("  ", 20) == "␣␣"
    assert visible_edges(" to ", 20, end=False) == "␣to "


def test_lines_stay_and_show_where_they_end_the_text() -> None:
    assert visible_lines("  a\n b \n\n", 40) == "␣␣a\n b␣↵\n↵\n"
    assert visible_lines("\n \n", 40) == "↵\n␣↵\n"
    assert visible_lines("\nx", 40) == "\nx"


@given(st.text(), st.integers(1, 60))
def test_any_text_comes_out_visible_short_and_stable(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}]
    assert visible(shown, limit) == shown
    assert len(visible_lines(text, limit)) <= limit
