"""The shipped suites are data; these tests hold the promises that the rest of kinprint makes about them."""

from collections import Counter

import pytest

from probes.suite import SHIPPED, Suite, load_suite

KINDS = {
    "prose", "code", "mathematics", "facts", "formats", "dialogue", "languages", "random_words", "choices",
    "tokenizer_traps",
}  # fmt: skip


@pytest.fixture(scope="module", params=["core", "quick"])
def suite(request: pytest.FixtureRequest) -> Suite:
    return load_suite(str(request.param))


def test_sizes() -> None:
    assert len(load_suite("core").canaries) >= 264
    assert len(load_suite("chat").canaries) == 64
    assert len(load_suite("quick").canaries) == 48


def test_quick_holds_lines_of_core_byte_for_byte_in_their_order() -> None:
    core = (SHIPPED / "core.jsonl").read_bytes().splitlines()
    quick = (SHIPPED / "quick.jsonl").read_bytes().splitlines()
    assert quick == [line for line in core if line in set(quick)]


def test_every_kind_is_there_and_no_other(suite: Suite) -> None:
    assert {canary.kind for canary in suite.canaries} == KINDS


def test_at_least_seven_natural_languages(suite: Suite) -> None:
    # By convention the `why` of these canaries starts with the language: "French: ..."
    languages = Counter(c.why.partition(":")[0] for c in suite.canaries if c.kind == "languages")
    assert len(languages) >= 7
    assert languages["Chinese (simplified)"] >= (8 if suite.name == "core" else 1)


@pytest.mark.parametrize("name", ["core", "quick", "chat", "habits"])
def test_every_canary_says_why_and_where_from(name: str) -> None:
    suite = load_suite(name)
    assert [c.id for c in suite.canaries if len(c.why) <= 20 or not c.source.strip()] == []
    assert len({c.why for c in suite.canaries}) == len(suite)


@pytest.mark.parametrize("name", ["core", "quick", "chat", "habits"])
def test_ids_are_unique_and_lower_case(name: str) -> None:
    suite = load_suite(name)
    ids = [canary.id for canary in suite.canaries]
    assert len(set(ids)) == len(ids)
    assert ids == [name.lower() for name in ids]


def test_each_canary_is_either_text_or_chat(suite: Suite) -> None:
    assert [c.id for c in suite.canaries if (c.text is None) == (c.messages is None)] == []
    assert sum(canary.messages is not None for canary in suite.canaries) >= 4


def test_only_tokenizer_traps_end_in_a_space(suite: Suite) -> None:
    assert {c.kind for c in suite.canaries if (c.text or "").endswith(" ")} <= {"tokenizer_traps"}


@pytest.mark.parametrize("name", ["core", "quick", "chat", "habits"])
def test_chats_end_with_the_user(name: str) -> None:
    suite = load_suite(name)
    assert {c.messages[-1].role for c in suite.canaries if c.messages is not None} == {"user"}


def test_the_chat_suite_is_chats_of_four_answers_each() -> None:
    suite = load_suite("chat")
    assert {canary.messages is not None for canary in suite.canaries} == {True}
    assert {canary.draws + 1 for canary in suite.canaries} == {4}  # a greedy answer and three sampled ones
    assert [c.id for c in suite.canaries if any(turn.role == "system" for turn in c.messages or ())] == []


def test_the_habits_suite_is_the_chat_suite_and_asks_who_it_is_and_what_it_refuses() -> None:
    lines = (SHIPPED / "habits.jsonl").read_bytes().splitlines()
    assert lines[:64] == (SHIPPED / "chat.jsonl").read_bytes().splitlines()
    more = load_suite("habits").canaries[64:]
    assert Counter(canary.kind for canary in more) == {"identity": 8, "refusals": 8}
    assert {canary.messages is not None for canary in more} == {True}


def test_the_chat_suite_shares_no_prompt_with_core() -> None:
    assert not {c.digest for c in load_suite("chat").canaries} & {c.digest for c in load_suite("core").canaries}


def test_the_tokenizer_suite_asks_for_counts_and_hardly_anything_else() -> None:
    suite = load_suite("tokenizer")
    assert len(suite) >= 40
    assert {(c.kind, c.max_tokens, c.draws) for c in suite.canaries} == {("tokenizer", 1, 1)}
    assert [c.id for c in suite.canaries if c.text is None or len(c.why) <= 20 or not c.source.strip()] == []
