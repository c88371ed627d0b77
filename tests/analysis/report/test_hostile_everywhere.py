"""Whatever field of a verdict, recording, library, tree or weights file is hostile, the page shows it as text."""

import re
from dataclasses import replace

import pytest

from analysis.libraries.library import Library
from analysis.report.html import SECTIONS, render_report
from analysis.report.language.catalogue import LANGUAGES
from analysis.verdict import FamilySet, Shown
from probes.recording import Recording
from tests.analysis.report.everything import page
from tests.analysis.report.page_parser import check_harmless
from tests.analysis.report.samples import verdict_of


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {language: page(tmp_path_factory.mktemp(language), language) for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_shown_as_text(pages: dict[str, str], language: str) -> None:
    text = pages[language]
    found = check_harmless(text)
    assert {f"{name}-title" for name in SECTIONS} <= {a.get("id") for _, a in found.elements}
    assert text.count("⟨U+202E⟩") > 150
    assert "{{7111*7}}" in found.words
    assert "49777" not in found.words
    assert "</style>" in found.words
    [html] = [attributes for tag, attributes in found.elements if tag == "html"]
    assert html["lang"] == {"en": "en", "zh": "zh-Hans"}[language]


def test_no_text_is_endless(recording: Recording, library: Library) -> None:
    verdict, long = verdict_of(recording, "attributed"), "x" * 9000
    family_set = FamilySet(0.9, ("smollm2", long), long)
    shown = (Shown(long, long, {long: 1.0}, long, long),)
    spoilt = replace(verdict, warnings=(long,), library=long, version=long, stopped_because=long, family_set=family_set)
    text = render_report(replace(spoilt, shown=shown, left_out={long: long}), recording, library)
    assert "x" * 1999 + "…" in text
    assert "x" * 2000 not in text
    assert re.search("[^x]x{79}…", text)  # a name


def test_tables_and_charts_can_be_read_by_machines(pages: dict[str, str]) -> None:
    found = check_harmless(pages["en"])
    tags = [tag for tag, _ in found.elements]
    assert tags.count("table") == tags.count("caption") == tags.count("thead")
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in found.elements if tag == "th")
    pictures = [attributes for tag, attributes in found.elements if tag == "svg"]
    ids = {attributes.get("id") for _, attributes in found.elements}
    assert pictures
    for one in pictures:
        assert one["role"] == "img"
        assert set((one["aria-labelledby"] or "").split()) <= ids
