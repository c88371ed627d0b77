"""Which tokens stand for a vocabulary: the same strings, whatever the tokenizer."""

import numpy as np

from probes.chosen_tokens import COMMON, chosen_tokens

WORDS = [f"word {number}".encode() for number in range(2000)]


def test_tokenizers_choose_the_same_strings_as_far_as_they_share_them() -> None:
    shuffled = [WORDS[number] for number in np.random.default_rng(0).permutation(2000)]
    ours = {WORDS[number] for number in chosen_tokens([b"", *WORDS], 100) - 1}
    assert {shuffled[number] for number in chosen_tokens(shuffled, 100)} == ours
    fewer = {WORDS[number] for number in chosen_tokens(WORDS[:1500], 100)}
    assert ours & set(WORDS[:1500]) <= fewer


def test_tokens_that_spell_nothing_are_not_chosen_and_of_those_that_spell_the_same_the_last_is() -> None:
    assert sorted(chosen_tokens([b"a", b"", b"b", b"a"], 10).tolist()) == [2, 3]


def test_fewer_are_the_first_of_more() -> None:
    assert chosen_tokens(WORDS, 10).tolist() == chosen_tokens(WORDS, 50)[:10].tolist()


def test_the_choice_is_written_in_stone() -> None:
    """References hold these columns: another order would make them useless."""
    assert chosen_tokens([b"a", b"b", b"c", b" the", b"\n"], 5).tolist() == [1, 0, 3, 2, 4]


def test_what_most_vocabularies_have_comes_first() -> None:
    """So models of different vocabularies are compared on the same strings, and a library needs no more."""
    assert len(set(COMMON)) == len(COMMON) == 448
    vocabulary = [*WORDS, *COMMON[::-1]]
    assert [vocabulary[number] for number in chosen_tokens(vocabulary, 450)][:448] == list(COMMON)
