"""A suite file: what is accepted, what is refused and how that is said, and what its hash depends on."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probes.canary import Canary, Message
from probes.errors import SuiteError
from probes.suite import Suite, load_suite
from tests.recordings import canary, suite_of

ROW: dict[str, Any] = {
    "id": "a",
    "kind": "prose",
    "text": "Once upon",
    "messages": None,
    "max_tokens": 8,
    "draws": 4,
    "why": "an opening",
    "source": "a test",
}
TURNS = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Suite]:
    def load_content(*rows: dict[str, Any] | str | bytes) -> Suite:
        lines = [
            row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode()
            for row in rows
        ]
        path = tmp_path / "mine.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return load_suite(path)

    return load_content


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], r"mine\.jsonl has no canaries"),
        (["", "  "], r"mine\.jsonl has no canaries"),
        ([b"\xff\xfe"], r"mine\.jsonl is not UTF-8 text \(byte 0\)"),
        ([ROW, "", "{"], r"mine\.jsonl, line 3 is not JSON"),
        ([ROW, "[1]"], r"line 2 must have the keys .*it has list"),
        ([{**ROW, "extra": 1}], r"line 1 must have the keys .*extra"),
        ([{k: v for k, v in ROW.items() if k != "why"}], r"line 1 must have the keys"),
        ([{**ROW, "why": None}], r"mine\.jsonl, line 1 has a 'why' of the wrong kind: None"),
        ([{**ROW, "max_tokens": "many"}], r"mine\.jsonl, line 1 has a 'max_tokens' of the wrong kind: 'many'"),
        ([{**ROW, "text": None, "messages": "Hello"}], r"mine\.jsonl, line 1 has a 'messages' of the wrong kind"),
        ([{**ROW, "text": "\ud800"}], r"mine\.jsonl has a value of the wrong type"),
        ([ROW, {**ROW, "text": "Twice upon"}], r"same id 2 times \(canary 'a' and 'a'\)"),
        ([ROW, {**ROW, "id": "b"}], r"same prompt 2 times \(canary 'a' and 'b'\)"),
        ([{**ROW, "messages": TURNS}], r"'a' needs either 'text' or 'messages', and not both"),
        ([{**ROW, "text": None}], r"'a' needs either 'text' or 'messages', and not both"),
        ([{**ROW, "text": " \n\t"}], r"'a' has an empty prompt"),
        ([ROW, {**ROW, "text": None, "messages": []}], r"line 2 has a 'messages' of the wrong kind: \[\]"),
        ([{**ROW, "text": None, "messages": [{"role": "user", "content": " "}]}], r"'a' has an empty prompt"),
        ([{**ROW, "id": " "}], "has an empty id"),
        ([{**ROW, "max_tokens": 0}], "'max_tokens' of the wrong kind: 0"),
        ([{**ROW, "draws": 0}], "'draws' of the wrong kind: 0"),
        ([{**ROW, "text": 5}], "'text' of the wrong kind: 5"),
        ([{**ROW, "text": ["Hello"]}], r"'text' of the wrong kind: \['Hello'\]"),
        ([{**ROW, "id": {"x": 1}}], "'id' of the wrong kind"),
        ([{**ROW, "max_tokens": "8"}], "'max_tokens' of the wrong kind: '8'"),
        ([{**ROW, "max_tokens": 1.5}], r"'max_tokens' of the wrong kind: 1\.5"),
        ([{**ROW, "max_tokens": True}], "'max_tokens' of the wrong kind: True"),
        ([{**ROW, "max_tokens": 10**30}], "'max_tokens' of the wrong kind"),
        *(
            ([{**ROW, "text": None, "messages": [turn]}], "line 1 has a 'messages' of the wrong kind")
            for turn in ({**TURNS[0], "role": None}, {**TURNS[0], "role": "robot"}, {"role": "user"}, None)
        ),
    ],
)
def test_refuses_with_the_place_and_the_reason(load: Callable[..., Suite], rows: list[Any], said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        load(*rows)


@pytest.mark.parametrize("changes", [{"max_tokens": 0}, {"draws": 0}])
def test_a_canary_that_asks_for_nothing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SuiteError, match=f"{next(iter(changes))}=0"):
        canary(1, **changes)


def test_a_suite_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    for missing in (tmp_path / "no.jsonl", tmp_path, "no-such-suite"):
        with pytest.raises(SuiteError, match=r"no suite .*core, habits, image, quick"):
            load_suite(missing)


def test_a_prompt_may_hold_what_ends_lines_elsewhere(load: Callable[..., Suite]) -> None:
    text = "one\u2028two\u2029three\x85four\x0bfive\rsix\nseven"
    row = {**ROW, "text": text}
    for dumped in (json.dumps(row), json.dumps(row, ensure_ascii=False)):
        assert load(dumped, {**ROW, "id": "b"}).by_id["a"].text == text


def test_what_is_written_is_read_again(load: Callable[..., Suite]) -> None:
    chat = (Message("system", 'Be "brief".'), Message("user", "你好\u2028\x00 🙂"))
    suite = Suite("mine", (*suite_of(3).canaries, canary(3, text=None, messages=chat)))
    assert load(*suite.to_jsonl().rstrip("\n").split("\n")) == suite


def test_the_hash_is_of_the_content_and_not_of_its_layout(load: Callable[..., Suite], tmp_path: Path) -> None:
    sha256 = load(ROW, {**ROW, "id": "b", "text": "Zweimal, ééé 中"}).sha256
    other = json.dumps(
        dict(reversed({**ROW, "id": "b", "text": "Zweimal, ééé 中"}.items())), ensure_ascii=False, indent=None
    )
    path = tmp_path / "windows.jsonl"
    path.write_bytes(f"\r\n{json.dumps(ROW, separators=(',', ':'))}\r\n{other}".encode())
    assert load_suite(path).sha256 == sha256
    assert load(ROW, {**ROW, "id": "b", "text": "Zweimal, ééé 日"}).sha256 != sha256


def test_hashes_are_those_that_recordings_already_hold() -> None:
    suite = Suite("any", (Canary("a", "prose", "Déjà vu", None, 8, 4, "why", "us"),))
    line = '{"id": "a", "kind": "prose", "text": "Déjà vu", "messages": null, "max_tokens": 8, "draws": 4, '
    assert suite.to_jsonl() == line + '"why": "why", "source": "us"}\n'
    assert suite.sha256 == hashlib.sha256(suite.to_jsonl().encode()).hexdigest()
    assert suite.sha256 == "d5ea1e629fe9e8cd4f71f484e647422588068e0c3804c5e5521aa7bf989e56e4"
    assert suite.canaries[0].digest == "60edaafa6aa9ad21"
    chat = replace(suite.canaries[0], text=None, messages=(Message("user", "Déjà vu"),))
    assert chat.digest == "48cde09ff35c18ba"


def test_the_digest_names_the_prompt_and_nothing_else() -> None:
    one = canary(1)
    assert replace(one, id="x", kind="y", max_tokens=99, draws=1, why="?", source="!").digest == one.digest
    prompts = [
        one,
        replace(one, text="Sentence 1: "),
        *(
            replace(one, text=None, messages=messages)
            for messages in (
                (Message("user", "Sentence 1:"),),
                (Message("system", "Sentence 1:"),),
                (Message("user", "Sentence 1:"), Message("user", "")),
            )
        ),
    ]
    assert len({prompt.digest for prompt in prompts}) == len(prompts)
