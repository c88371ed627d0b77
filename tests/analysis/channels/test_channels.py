"""Channels: 1 for the same model whatever the access, less for others, NaN where nothing is known."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.channels import all_channels
from analysis.channels.greedy import WIDTH
from analysis.channels.interface import CONTINUED
from analysis.signatures.byte_bins import N_BINS, bin_of
from analysis.signatures.observation import Access, Observation
from analysis.signatures.unfed import Unfed
from probes.canary import Message
from tests.recordings import canary
from tests.signatures import extracted

Arrays = dict[str, npt.NDArray[Any]]
CHANNELS = all_channels()
A, B, C, D = 10, 20, 30, 40


def seen(size: int, **changes: Any) -> Observation:
    """An observation in which nothing is known but what is given."""
    fields: dict[str, Any] = {
        "canaries": tuple(canary(number) for number in range(size)),
        "access": Access("logits"),
        "bins": np.full((size, N_BINS), np.nan, np.float32),
        "missing": np.full(size, np.nan, np.float32),
        "n_draws": np.zeros(size, np.int64),
        "token_ids": None,
        "logprobs": None,
        "spelled": {},
        "greedy": (None,) * size,
        "prompt_tokens": np.full(size, np.nan),
    }
    return Observation(**fields | changes)


def bins(*rows: dict[int, float], missing: float = 0.0, n_draws: int = 0) -> Arrays:
    """Arrays of next_token: the probability of some bins, and of what was not seen."""
    filled = np.zeros((len(rows), N_BINS), np.float32)
    for row, values in enumerate(rows):
        filled[row, list(values)] = list(values.values())
    return {
        "bins": filled,
        "missing": np.full(len(rows), missing, np.float32),
        "n_draws": np.full(len(rows), n_draws, np.int64),
    }


def affinity(one: Arrays, other: Arrays) -> npt.NDArray[np.float64]:
    return CHANNELS["next_token"].similarity(one, other)


def sampled(truth: npt.NDArray[np.float64], draws: int, seed: int) -> Arrays:
    counts = np.random.default_rng(seed).multinomial(draws, truth)
    return {
        "bins": (counts / draws).astype(np.float32),
        "missing": np.zeros(len(truth), np.float32),
        "n_draws": np.full(len(truth), draws, np.int64),
    }


@pytest.fixture(scope="module")
def truth() -> npt.NDArray[np.float64]:
    """Distributions from nearly certain to nearly even, each 300 times: [1500, N_BINS]."""
    rows = []
    for number, concentration in enumerate((0.001, 0.003, 0.01, 0.03, 0.1)):
        rows += [np.random.default_rng(number).dirichlet(np.full(N_BINS, concentration))] * 300
    return np.array(rows)


def exactly(truth: npt.NDArray[np.float64]) -> Arrays:
    return {
        "bins": truth.astype(np.float32),
        "missing": np.zeros(len(truth)),
        "n_draws": np.zeros(len(truth), np.int64),
    }


@pytest.mark.parametrize("draws", [1, 2, 4, 16])
def test_next_token_of_the_same_model_is_1_in_expectation(truth: npt.NDArray[np.float64], draws: int) -> None:
    values = affinity(sampled(truth, draws, seed=draws), exactly(truth)).reshape(5, -1)
    error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    assert (np.abs(values.mean(axis=1) - 1) <= 4 * error + 0.002).all(), (values.mean(axis=1), error)
    np.testing.assert_allclose(  # and whichever side the draws are on
        affinity(exactly(truth), sampled(truth, draws, seed=draws)).reshape(5, -1), values
    )


@pytest.mark.xfail(strict=True, reason="the truth behind two samples is taken to be their mean, which is too spiky")
@pytest.mark.parametrize("draws", [2, 4])
def test_next_token_between_two_samples_is_1_in_expectation(truth: npt.NDArray[np.float64], draws: int) -> None:
    values = affinity(sampled(truth, draws, seed=1), sampled(truth, draws, seed=2)).reshape(5, -1)
    error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    assert (np.abs(values.mean(axis=1) - 1) <= 4 * error + 0.002).all(), values.mean(axis=1)


def test_next_token_of_another_model_stays_below() -> None:
    own, other = bins({A: 0.5, B: 0.5}), bins({B: 0.5, C: 0.5})
    assert affinity(own, own) == pytest.approx([1])
    assert affinity(own, other) == affinity(other, own) == pytest.approx([0.5])
    assert affinity(own, bins({C: 1.0})) == pytest.approx([0])


def test_what_top_k_leaves_out_is_compared_as_one_bin() -> None:
    top, full = bins({A: 0.6, B: 0.3}, missing=0.1), bins({A: 0.5, B: 0.2, C: 0.2, D: 0.1})
    expected = np.sqrt(0.6 * 0.5) + np.sqrt(0.3 * 0.2) + np.sqrt(0.1 * 0.3)
    assert affinity(top, full) == affinity(full, top) == pytest.approx([expected], abs=1e-6)
    assert affinity(top, bins({A: 0.6, B: 0.3, C: 0.1})) == pytest.approx([1], abs=1e-6)


def test_two_top_k_lists_that_agree_are_alike() -> None:
    assert affinity(bins({A: 0.6, B: 0.3}, missing=0.1), bins({A: 0.6, B: 0.3}, missing=0.1)) == pytest.approx([1])


def test_two_top_k_lists_that_share_nothing_are_not_alike() -> None:
    # 0.9 of either model's answers lie in bins where the other has 0.1 at most
    [value] = affinity(bins({A: 0.6, B: 0.3}, missing=0.1), bins({C: 0.6, D: 0.3}, missing=0.1))
    assert value <= 2 * np.sqrt(0.1 * 0.9) + 0.1


def test_an_unanswered_canary_is_no_similarity() -> None:
    unknown = bins({A: 1.0}, {A: 1.0})
    unknown["bins"][1] = np.nan
    np.testing.assert_array_equal(affinity(unknown, bins({A: 1.0}, {A: 1.0})), [1, np.nan])
    np.testing.assert_array_equal(affinity(bins({A: 1.0}, {A: 1.0}), unknown), [1, np.nan])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (b"the same", b"the same", 1),
        (b"the same", b"the other", 4 / 8),
        (b"same", b"same and more", 1),  # one stopped earlier: what both gave agrees
        (b"x", b"y", 0),
        (b"", b"", 1),
        (b"", b"x", 0),
        (b"x" * WIDTH + b"a", b"x" * WIDTH + b"b", 1),
        (b"x" * (WIDTH - 1) + b"a", b"x" * (WIDTH - 1) + b"b", (WIDTH - 1) / WIDTH),
        ("é".encode(), "è".encode(), 1 / 2),
        (b"\xff", b"\xff", 1),
        (None, b"x", np.nan),
    ],
)
def test_greedy_is_the_common_prefix(one: bytes | None, other: bytes | None, expected: float) -> None:
    channel = CHANNELS["greedy"]
    arrays = [extracted("greedy", seen(2, greedy=(text, b"known"))) for text in (one, other)]
    for pair in (arrays, arrays[::-1]):
        np.testing.assert_allclose(channel.similarity(*pair), [expected, 1])


def tokens(spelled: dict[int, bytes], *rows: dict[int, float]) -> Arrays:
    """Arrays of token_space: rows of probabilities by token id."""
    width = max(len(row) for row in rows)
    ids, logprobs = np.full((len(rows), width), -1), np.full((len(rows), width), -np.inf)
    for place, row in enumerate(rows):
        ids[place, : len(row)], logprobs[place, : len(row)] = list(row), np.log(list(row.values()))
    return extracted("token_space", seen(len(rows), token_ids=ids, logprobs=logprobs, spelled=spelled))


def test_token_space_goes_by_spelling_and_not_by_id() -> None:
    similarity = CHANNELS["token_space"].similarity
    one = tokens({1: b"a", 2: b"ab", 3: b"c"}, {1: 0.6, 2: 0.3}, {3: 0.9})
    other = tokens({1: b"c", 7: b"ab", 9: b"a"}, {9: 0.6, 7: 0.3}, {1: 0.9})
    np.testing.assert_allclose(similarity(one, other), [1, 1])
    nothing = tokens({1: b"a"}, {1: 1.0}, {})
    np.testing.assert_array_equal(similarity(nothing, nothing), [1, np.nan])


def test_token_space_of_models_that_share_no_token_is_0() -> None:
    one, other = tokens({1: b"a", 2: b"b"}, {1: 0.6, 2: 0.4}), tokens({1: b"a", 3: b"c"}, {1: 0.6, 3: 0.4})
    np.testing.assert_allclose(CHANNELS["token_space"].similarity(one, other), [0.6], atol=1e-6)
    np.testing.assert_allclose(
        CHANNELS["token_space"].similarity(tokens({1: b"a"}, {1: 1.0}), tokens({1: b"c"}, {1: 1.0})), [0], atol=1e-6
    )


def test_token_space_of_one_model_is_1_however_many_tokens_are_given() -> None:
    few, more = (tokens({n: b"%d" % n for n in range(9)}, {n: 0.5**n / 2 for n in range(k)}) for k in (3, 8))
    np.testing.assert_allclose(CHANNELS["token_space"].similarity(few, more), [1], atol=1e-6)


def test_token_space_stays_below_1_where_tokens_share_a_spelling() -> None:
    one = tokens({1: b"", 2: b""}, {1: 0.5, 2: 0.5})
    np.testing.assert_allclose(CHANNELS["token_space"].similarity(one, one), [1])


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_a_channel_that_nothing_feeds_says_why(name: str) -> None:
    found = CHANNELS[name].extract(seen(2, texts=((), ())))
    assert isinstance(found, Unfed)
    assert len(found.reason.split()) > 3


def prompts(counts: list[float], chat: tuple[int, ...] = ()) -> Arrays:
    asked = [
        canary(n, text=None, messages=(Message("user", f"{n}"),)) if n in chat else canary(n)
        for n in range(len(counts))
    ]
    return extracted("tokenizer", seen(len(counts), canaries=tuple(asked), prompt_tokens=np.array(counts)))


def test_tokenizer_looks_past_a_constant_but_not_past_a_difference() -> None:
    similarity = CHANNELS["tokenizer"].similarity
    reference = prompts([5, 9, 4, 7, 30], chat=(4,))
    for constant in (0, 1, 12):
        shifted = prompts([5 + constant, 9 + constant, 4 + constant, 7 + constant, 99], chat=(4,))
        np.testing.assert_array_equal(similarity(shifted, reference), [1, 1, 1, 1, np.nan])
    changed = prompts([6, 10, 9, np.nan, 30], chat=(4,))
    np.testing.assert_array_equal(similarity(changed, reference), [1, 1, 0, np.nan, np.nan])


@given(st.integers(0, 2**32), st.sampled_from([0, 1, 3]), st.sampled_from([0, 1, 3]), st.floats(0, 1))
def test_next_token_is_a_finite_number_from_0_up(seed: int, n: int, m: int, kept: float) -> None:
    source = np.random.default_rng(seed)
    pair = []
    for draws in (n, m):
        exact = source.dirichlet(np.full(N_BINS, 0.003), size=2)
        arrays = sampled(exact, draws, seed) if draws else exactly(exact)
        if not draws:  # some of it is seen only
            arrays["bins"] = np.where(exact >= kept * exact.max(), exact, 0).astype(np.float32)
            arrays["missing"] = (1 - arrays["bins"].sum(axis=1)).clip(0)
        pair.append(arrays)
    values = affinity(*pair)
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    if n == m == 0:
        assert (values <= 1 + 1e-5).all()


def test_spaces_count_on_neither_side_where_one_was_asked_to_continue_in_a_chat() -> None:
    direct = bins({bin_of(b" p"): 0.5, bin_of(b" q"): 0.5})
    chat = bins({bin_of(b"p"): 0.5, bin_of(b"q"): 0.5})
    assert affinity(direct, chat)[0] < 0.1
    continued = {**chat, CONTINUED: np.array([True])}
    np.testing.assert_allclose(affinity(direct, continued), [1], atol=1e-6)
    np.testing.assert_allclose(affinity(continued, direct), [1], atol=1e-6)
    assert affinity(direct, {**chat, CONTINUED: np.array([False])})[0] < 0.1


def test_greedy_answers_are_compared_without_that_space_too() -> None:
    channel = CHANNELS["greedy"]
    direct, chat = (extracted("greedy", seen(1, greedy=(text,))) for text in (b" the sea", b"the sea"))
    np.testing.assert_allclose(channel.similarity(chat, direct), [0])
    np.testing.assert_allclose(channel.similarity({**chat, CONTINUED: np.array([True])}, direct), [1])
