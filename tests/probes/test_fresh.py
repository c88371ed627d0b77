"""Fresh suites: the same from the same seed everywhere, nothing shared between seeds, and bound by a commitment."""

import hashlib
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.errors import SuiteError
from probes.fresh import commitment, fresh_suite, grammar, is_fresh, kinds
from probes.suite import Suite, load_suite, shipped_suites

SEED = bytes(range(32))


def seed_of(number: int) -> bytes:
    return hashlib.sha256(f"seed {number}".encode()).digest()


def digests(suite: Suite) -> set[str]:
    return {canary.digest for canary in suite.canaries}


def test_a_seed_draws_the_same_suite_on_every_machine() -> None:
    # A change here is a change of what seeds stand for that others have committed to: count up GENERATOR.
    assert fresh_suite(SEED).sha256 == "d24547321b27e6b7983dc854cac3c0cbbfe2abab75420f13ad50274fd72eb7fc"
    assert fresh_suite(SEED).to_jsonl() == fresh_suite(SEED).to_jsonl()


def test_no_two_seeds_share_a_prompt_and_none_has_one_of_a_shipped_suite() -> None:
    drawn = [digests(fresh_suite(seed_of(number))) for number in range(25)]
    assert [len(one & other) for one, other in combinations(drawn, 2) if one & other] == []
    shipped = set().union(*(digests(load_suite(name)) for name in shipped_suites()))
    assert not shipped & set().union(*drawn)


def test_the_grammar_is_rich_enough_that_seeds_share_nothing() -> None:
    """Expected prompts in common of two suites of 256: below one in a million."""
    shares, expected = sum(entry["share"] for entry in kinds().values()), 0.0
    for kind, entry in kinds().items():
        for pattern in entry["prompts"]:
            ways = grammar(kind).size(pattern)
            assert ways > 1e9, (kind, pattern)
            expected += (256 * entry["share"] / shares / len(entry["prompts"])) ** 2 / ways
    assert expected < 1e-6


@settings(max_examples=30)
@given(st.binary(min_size=16, max_size=64), st.integers(10, 40))
def test_any_seed_and_size_draws_whole_prompts(seed: bytes, size: int) -> None:
    suite = fresh_suite(seed, size)
    assert len(suite) == size
    for canary in suite.canaries:
        said = canary.text if canary.text is not None else "".join(m.content for m in canary.messages or ())
        assert not [name for name in grammar(canary.kind).symbols if f"{{{name}}}" in said], said


def test_it_has_the_kinds_of_core_in_its_proportions() -> None:
    core = Counter(canary.kind for canary in load_suite("core").canaries)
    fresh = Counter(canary.kind for canary in fresh_suite(SEED, 297).canaries)
    assert set(fresh) == set(core)
    assert max(abs(fresh[kind] - core[kind]) for kind in core) <= 1
    settings = {(c.kind, c.max_tokens, c.draws) for c in load_suite("core").canaries}
    assert {(c.kind, c.max_tokens, c.draws) for c in fresh_suite(SEED).canaries} == settings


def test_some_are_chats_that_end_with_the_user_and_many_are_in_other_languages() -> None:
    canaries = fresh_suite(SEED).canaries
    chats = [canary.messages for canary in canaries if canary.messages is not None]
    assert len(chats) >= 10
    assert {turns[-1].role for turns in chats} == {"user"}
    assert sum(any(ord(letter) > 0x2E80 for letter in c.text or "") for c in canaries if c.kind == "languages") >= 5


def test_a_label_stands_for_the_same_words_wherever_it_stands() -> None:
    choices = iter([4, 5])
    assert grammar("code").prompt("{verb:v} {noun} {verb:v}", lambda n: next(choices)).count("count") == 2  # type: ignore[union-attr]


def test_the_commitment_can_be_worked_out_by_anybody_and_binds_the_size() -> None:
    said = hashlib.sha256(f"kinprint fresh suite 1\n256\n{SEED.hex()}".encode()).hexdigest()
    suite = fresh_suite(SEED)
    assert commitment(SEED) == said == suite.drawn["commitment"]
    assert commitment(SEED, 255) != said != commitment(SEED[:-1] + b"x")
    assert suite.name == f"fresh-{said[:12]}"
    assert is_fresh(suite.name)
    assert not is_fresh("core")


def test_the_seed_is_told_only_when_it_is_revealed() -> None:
    assert SEED.hex() not in str(fresh_suite(SEED).drawn)
    assert fresh_suite(SEED, reveal=True).drawn["seed"] == SEED.hex()


@pytest.mark.parametrize(
    ("seed", "size", "said"),
    [(b"short", 256, "at least 16 bytes"), (SEED, 9, "at least 10 canaries"), (SEED, -1, "at least 10 canaries")],
)
def test_what_would_be_no_secret_or_no_suite_is_refused(seed: bytes, size: int, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        fresh_suite(seed, size)
