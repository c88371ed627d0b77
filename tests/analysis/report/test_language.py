"""Both catalogues say the same things, and have words for whatever a verdict may hold."""

import re
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from markupsafe import Markup

import analysis.report as report
from analysis.channels import all_channels, pair_channels
from analysis.kinship.shared_weights import NAME
from analysis.report.language.catalogue import LANGUAGES, Language
from analysis.verdict import Decision
from probes.answer import Status
from probes.errors import KinprintError
from probes.suite import SHIPPED, load_suite

CATALOGUES = {code: Language.load(code) for code in LANGUAGES}


def placeholders(text: str) -> Counter[str]:
    return Counter(re.findall(r"\{(\w*)\}", text))


def test_all_have_the_same_keys_and_placeholders() -> None:
    english = CATALOGUES["en"].texts
    for language in CATALOGUES.values():
        assert language.texts.keys() == english.keys()
        for key, text in language.texts.items():
            assert text.strip()
            assert set(placeholders(text)) == set(placeholders(english[key])), key


def test_chinese_is_chinese() -> None:
    same = {key for key, text in CATALOGUES["zh"].texts.items() if text == CATALOGUES["en"].texts[key]}
    assert same == {"number.nothing", "fact.kinprint", "check.sha256"} | {"term.logit"} & same
    sentences = [text for text in CATALOGUES["zh"].texts.values() if len(text) > 12 and "{" not in text]
    assert all(re.search("[\u4e00-\u9fff]", text) for text in sentences)


@pytest.mark.parametrize("code", LANGUAGES)
def test_there_are_words_for_everything_that_a_verdict_names(code: str) -> None:
    texts = CATALOGUES[code].texts
    names = {
        "channel": [*all_channels(), *pair_channels(), NAME],
        "rung": {channel.rung for channel in pair_channels().values()},
        "decision": get_args(Decision),
        "status": get_args(Status),
        "conduct": ("constant", "echo", "random", "mixture", "cached"),
        "kind": {canary.kind for path in SHIPPED.glob("*.jsonl") for canary in load_suite(path.stem).canaries},
        "limits": ("logits", "topk", "text"),
    }
    assert not [f"{kind}.{name}" for kind, found in names.items() for name in found if f"{kind}.{name}" not in texts]


def test_no_words_are_left_over() -> None:
    folder = Path(str(report.__file__)).parent
    sources = "".join(path.read_text("utf-8") for path in folder.rglob("*") if path.suffix in (".py", ".j2"))
    unsaid = []
    for key in CATALOGUES["en"].texts:
        above, _, last = key.rpartition(".")
        said = key in sources or f'"{above}.{{' in sources or f'"{above}"' in sources or f'"{above}." ~' in sources
        if not said and not (last.rpartition("_")[0] and f'"{above}.{last.partition("_")[0]}_{{' in sources):
            unsaid.append(key)
    assert [key for key in unsaid if not key.startswith("meaning.")] == []


def test_what_is_told_is_spelled_out_and_escaped_and_never_a_template() -> None:
    say = CATALOGUES["en"]
    told = say("banner.queries", queries="<b>{0}{queries}\u202e\x00</b>")
    assert told == Markup("<bdi>&lt;b&gt;{0}{queries}⟨U+202E⟩⟨U+0000⟩&lt;/b&gt;</bdi> queries")
    assert say("banner.queries", queries=1569) == "<bdi>1,569</bdi> queries"
    assert say("family.alone", reason=Markup("<i>x</i>")).endswith("<i>x</i>")
    assert say.plain("banner.queries", queries="a\u202eb") == "a⟨U+202E⟩b queries"
    assert "…" in say("banner.queries", queries="x" * 3000)
    assert say.term("channel", "<b>") == "<code><bdi>&lt;b&gt;</bdi></code>"


def test_the_words_of_the_verdict_are_quoted_in_another_language() -> None:
    assert CATALOGUES["en"].original("<x>") == "<bdi>&lt;x&gt;</bdi>"
    assert CATALOGUES["zh"].original("<x>") == '<q lang="en"><bdi>&lt;x&gt;</bdi></q>'


def test_numbers() -> None:
    english, chinese = CATALOGUES["en"], CATALOGUES["zh"]
    assert [english.percent(p) for p in (0.9996, 0.5, 0.0)] == ["over 99.9%", "50.0%", "under 0.1%"]
    assert chinese.percent(1.0) == "高于 99.9%"
    assert [english.duration(s) for s in (0.8, 125)] == ["0.8 s", "2 min 5 s"]
    assert chinese.duration(125) == "2 分 5 秒"


def test_another_language_is_refused_in_a_sentence() -> None:
    with pytest.raises(KinprintError, match=r"no report in language .*; known are en, zh"):
        Language.load("../x")
