"""Byte bins: every spelling has its place, no probability is lost, and tokenizers don't show."""

import doctest
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import analysis.signatures.byte_bins
from analysis.signatures.byte_bins import END, LONE_SPACE, N_BINS, bin_of, bin_probabilities, bins_of, describe_bin


def test_the_examples_in_the_documentation() -> None:
    assert doctest.testmod(analysis.signatures.byte_bins) == doctest.TestResults(failed=0, attempted=1)


@given(st.binary(max_size=6))
def test_every_byte_string_has_a_bin_that_its_third_byte_and_later_ones_leave_alone(spelled: bytes) -> None:
    place = bin_of(spelled)
    assert 0 <= place < N_BINS
    assert describe_bin(place)
    if len(spelled) >= 3:
        assert bin_of(spelled + b"more") == bin_of(spelled[:3]) == place


def test_ascii_is_told_apart_exactly_and_spaces_count() -> None:
    one = [bytes([code]) for code in range(128) if code != 0x20]
    spaced = [b" " + token for token in one] + [b"  "]
    places = [bin_of(token) for token in [*one, *spaced, b" ", b""]]
    assert len(set(places)) == len(places)
    assert (bin_of(b" "), bin_of(b"")) == (LONE_SPACE, END)


def test_other_scripts_are_told_apart_coarsely() -> None:
    assert len({bin_of(character.encode()) for character in ("é", "я", "中", "あ", "🙂")}) == 5
    assert bin_of("中".encode()) == bin_of("中国".encode()) != bin_of(" 中".encode())
    assert bin_of(b"\x80") == bin_of(b"\xff") == bin_of(b"\xc0\x80")  # no character begins like this


def test_no_two_bins_are_described_alike_but_within_a_lead_byte() -> None:
    words = [describe_bin(place) for place in range(N_BINS)]
    assert len({word for word in words if "byte 0x" not in word}) == len([w for w in words if "byte 0x" not in w])


@given(
    st.lists(st.binary(max_size=3), min_size=1, max_size=40),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_mass_is_kept_and_lands_where_each_token_belongs(spelled: list[bytes], rows: int, source: object) -> None:
    weights = np.random.default_rng(source.getrandbits(32)).dirichlet(np.ones(len(spelled)), size=rows)  # type: ignore[attr-defined]
    summed = bin_probabilities(weights, bins_of(spelled))
    expected = np.zeros((rows, N_BINS))
    for column, token in enumerate(spelled):
        expected[:, bin_of(token)] += weights[:, column]
    np.testing.assert_allclose(summed, expected, atol=1e-6)
    np.testing.assert_allclose(summed.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("longest", [1, 2, 7])
def test_two_tokenizers_that_spell_the_same_answers_fill_the_bins_alike(longest: int) -> None:
    texts = {" The": 0.3, " Then": 0.2, "中国": 0.2, "ééé": 0.1, "a": 0.1, " été": 0.05, "": 0.05}

    def as_tokens(characters: int) -> dict[bytes, float]:
        tokens: dict[bytes, float] = defaultdict(float)
        for text, probability in texts.items():
            tokens[text[: characters + text.startswith(" ")].encode()] += probability
        return tokens

    whole, cut = as_tokens(99), as_tokens(longest)
    one, other = (bin_probabilities(np.array([list(t.values())]), bins_of(t)) for t in (whole, cut))
    np.testing.assert_allclose(one, other, atol=1e-7)
