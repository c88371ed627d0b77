"""The report opens offline, says every decision in words, and lets nothing of a model or a user through as markup."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from analysis.libraries.library import Library
from analysis.report import html
from analysis.report.html import render_report, write_report
from analysis.report.words import DECISIONS
from analysis.verdict import Decision
from probes.errors import LibraryError, RecordingError
from probes.recording import Recording
from tests.analysis.report.page_parser import Page, check_harmless
from tests.analysis.report.samples import HOSTILE, verdict_of


@pytest.mark.parametrize("decision", DECISIONS)
def test_every_decision_renders_verdict_first(decision: Decision, recording: Recording, library: Library) -> None:
    page = Page(render_report(verdict_of(recording, decision), recording, library))
    titles = [tag for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert titles[0] == "h1"
    levels = [int(tag[1]) for tag in titles]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))  # no level is left out
    order = ["What this says", "The verdict, rung by rung", "How it was made", "How to check it", "Limits", "Glossary"]
    if decision != "no_signal":
        order[2:2] = ["Probability of each explanation", "Evidence by channel", "The most telling canaries"]
    places = [page.words.rindex(text) for text in order]
    assert places == sorted(places)
    assert page.words.index(DECISIONS[decision]) < places[0]
    assert ("svg" in dict(page.elements)) == (decision != "no_signal")


@pytest.mark.parametrize("decision", DECISIONS)
def test_nothing_is_run_and_nothing_is_asked_for(decision: Decision, recording: Recording, library: Library) -> None:
    text = render_report(verdict_of(recording, decision), recording, library)
    check_harmless(text)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|@font-face", text)


def test_ids_stand_once_and_links_lead_somewhere(recording: Recording, library: Library) -> None:
    page = Page(render_report(verdict_of(recording, "attributed"), recording, library))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {a["href"] for tag, a in page.elements if tag == "a"}
    targets |= {f"#{name}" for _, a in page.elements for name in (a.get("aria-labelledby") or "").split()}
    assert {str(target)[1:] for target in targets} <= set(ids)


def test_hostile_text_is_shown_and_not_obeyed(recording: Recording, library: Library) -> None:
    verdict = replace(verdict_of(recording, "attributed"), warnings=(HOSTILE,), library=HOSTILE, reason=HOSTILE)
    text = render_report(verdict, recording, library)
    assert "<script" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200b]", text)
    assert "“shell<script>alert(1)</script>[bold]⟨U+202E⟩evil⟨U+0000⟩” is attributed to" in Page(text).words


def test_answers_stand_side_by_side(recording: Recording, library: Library) -> None:
    page = Page(render_report(verdict_of(recording, "attributed"), recording, library))
    assert len([a for tag, a in page.elements if a.get("class") == "side"]) == 30
    first = page.words[page.words.index("1. prose-000") : page.words.index("2. code-001")]
    assert "Fiction: which verb follows" in first
    answers = ("␣whispered to nobody", "␣whispered to the sea", "␣shouted")
    for told in (*answers, "␣the⟨0xEC⟩", "70.0%", "end of answer", "next_token 0.90"):
        assert told in first
    assert "user Name colour number 3." in page.words


def test_the_same_input_gives_the_same_file(recording: Recording, library: Library, tmp_path: Path) -> None:
    verdict = verdict_of(recording, "attributed")
    paths = [write_report(verdict, recording, library, tmp_path / f"out {n}" / "report.html") for n in (1, 2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_failure_leaves_the_old_report_and_nothing_else(
    recording: Recording, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out" / "report.html"
    write_report(verdict_of(recording, "attributed"), recording, library, path)
    before = path.read_bytes()
    monkeypatch.setattr(html, "banner", lambda *_: object())
    with pytest.raises(UndefinedError):
        write_report(verdict_of(recording, "unknown"), recording, library, path)
    with pytest.raises(UndefinedError):
        write_report(verdict_of(recording, "unknown"), recording, library, tmp_path / "never" / "report.html")
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    assert path.read_bytes() == before
    assert not (tmp_path / "never").exists()


def test_a_recording_or_library_of_another_verdict_is_refused(recording: Recording, library: Library) -> None:
    verdict = verdict_of(recording, "attributed")
    with pytest.raises(RecordingError, match="the verdict is about 'somebody else'"):
        render_report(replace(verdict, candidate="somebody else"), recording, library)
    with pytest.raises(LibraryError, match="'gemma3', which the library at"):
        render_report(verdict, recording, library.without(names=["gemma3"]))


def test_without_a_rival_the_comparison_is_with_strangers(recording: Recording, library: Library) -> None:
    verdict = verdict_of(recording, "attributed")
    assert verdict.evidence is not None
    alone = replace(verdict.evidence, rival_family=None, rival_reference=None)
    page = Page(render_report(replace(verdict, evidence=alone), recording, library.without(names=["gemma3"])))
    assert "against unrelated models, because the library holds no other family" in page.words
    assert len([a for _, a in page.elements if a.get("class") == "side"]) == 20
