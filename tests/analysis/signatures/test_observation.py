"""One model seen with full logits, reduced, by its top k and by its text: the same answers, told ever more coarsely."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.signatures.byte_bins import N_BINS, bin_of, bin_probabilities, bins_of
from analysis.signatures.first_tokens import TOP_TOKENS, first_tokens, log_softmax
from analysis.signatures.observation import Access, access_of, observe
from analysis.signatures.reduction import FLOOR, reduce_recording
from analysis.signatures.signature import signature
from probes.errors import RecordingError
from probes.recording import Recording
from tests.recordings import VOCABULARY, make_up, softmax, write_recording

MODEL = make_up(0, 1, size=12)
SILENT = ("c-003", "c-011")
ANSWERED = [row for row in range(12) if row not in (3, 11)]
TOPK = Access("topk", 20)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return write_recording(tmp_path_factory.mktemp("full") / "m", MODEL, silent=SILENT)


@pytest.fixture(scope="module")
def reduced(full: Recording) -> Recording:
    return reduce_recording(full, full.folder.parent / "reduced")


@pytest.fixture(scope="module")
def topk(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return write_recording(tmp_path_factory.mktemp("topk") / "m", MODEL, "topk", silent=SILENT)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return write_recording(tmp_path_factory.mktemp("text") / "m", MODEL, "text", draws=8, silent=SILENT)


def test_full_logits_give_the_distribution_over_all_bytes(full: Recording) -> None:
    seen = observe(full)
    exact = bin_probabilities(softmax(MODEL.logits), bins_of(VOCABULARY))
    np.testing.assert_allclose(seen.bins[ANSWERED], exact[ANSWERED], atol=1e-6)
    assert np.isnan(seen.bins[[3, 11]]).all()
    assert (seen.missing[ANSWERED] == 0).all()


def test_reduced_differs_from_full_only_by_its_declared_rounding(full: Recording, reduced: Recording) -> None:
    for access in (Access("logits"), TOPK):
        one, other = observe(full, access), observe(reduced, access)
        np.testing.assert_allclose(one.bins, other.bins, atol=N_BINS * FLOOR, rtol=2e-3)
        np.testing.assert_allclose(one.missing, other.missing, atol=2e-3)
        np.testing.assert_array_equal(one.token_ids, other.token_ids)
        np.testing.assert_allclose(one.logprobs, other.logprobs, rtol=1e-3)
        assert (one.greedy, one.spelled) == (other.greedy, other.spelled)


def test_full_logits_lowered_to_top_k_are_what_top_k_access_gives(full: Recording, topk: Recording) -> None:
    for access in (TOPK, Access("topk", 3)):
        one, other = observe(full, access), observe(topk, access)
        np.testing.assert_allclose(one.bins, other.bins, atol=1e-6)
        np.testing.assert_allclose(one.missing, other.missing, atol=1e-5)
        np.testing.assert_array_equal(one.token_ids, other.token_ids)
        np.testing.assert_allclose(one.logprobs, other.logprobs, rtol=1e-5)


def test_what_top_k_leaves_out_is_known_to_be_missing(topk: Recording) -> None:
    seen = observe(topk)
    beyond = -np.sort(-softmax(MODEL.logits), axis=1)[:, 20:].sum(axis=1)
    np.testing.assert_allclose(seen.missing[ANSWERED], beyond[ANSWERED], atol=1e-5)
    np.testing.assert_allclose(
        np.nansum(seen.bins, axis=1) + seen.missing, np.where(np.isnan(seen.missing), np.nan, 1), rtol=1e-5
    )


def test_lowered_to_text_answers_are_drawn_from_the_distribution(full: Recording) -> None:
    seen, again = observe(full, Access("text", draws=4000)), observe(full, Access("text", draws=4000))
    exact = bin_probabilities(softmax(MODEL.logits), bins_of(VOCABULARY))[ANSWERED]
    error = np.sqrt(exact * (1 - exact) / 4000)
    assert (np.abs(seen.bins[ANSWERED] - exact) <= 5 * error + 1e-3).all()
    np.testing.assert_array_equal(seen.bins, again.bins)  # the same answers every time
    np.testing.assert_array_equal(seen.n_draws[ANSWERED], 4000)
    assert seen.token_ids is None


def test_text_counts_first_characters(text: Recording) -> None:
    seen = observe(text)
    assert access_of(text) == seen.access == Access("text", draws=8)
    for row in ANSWERED:
        texts = [answer.text for answer in text.draws[f"c-{row:03}"] if answer.text is not None]
        expected = np.bincount([bin_of(given.encode()) for given in texts], minlength=N_BINS) / len(texts)
        np.testing.assert_allclose(seen.bins[row], expected, atol=1e-6)
        assert seen.n_draws[row] == len(texts)
    assert observe(text, Access("text", draws=3)).n_draws.max() == 3


def test_lowered_to_text_answers_that_were_sampled_are_taken(text: Recording, tmp_path: Path) -> None:
    whole = write_recording(tmp_path / "m", MODEL, draws=8, silent=SILENT, sampled=True)
    seen, own = observe(whole, Access("text", draws=8)), observe(text)
    np.testing.assert_array_equal(seen.bins, own.bins)
    assert seen.texts == own.texts
    assert observe(whole).texts == observe(text, Access("text", draws=0)).texts  # the greedy ones: nothing was sampled


def test_without_draws_nothing_is_made_up(full: Recording) -> None:
    # what the references look like to a candidate that gave greedy answers and no sampled ones
    assert np.isnan(observe(full, Access("text", draws=0)).bins).all()


@pytest.mark.parametrize(("kind", "access"), [("topk", Access("logits")), ("text", Access("logits")), ("text", TOPK)])
def test_nothing_is_read_at_a_higher_access(kind: str, access: Access, request: pytest.FixtureRequest) -> None:
    with pytest.raises(RecordingError, match=rf"recorded at tier {kind}; it can't be read at {access.tier}"):
        observe(request.getfixturevalue(kind), access)


def test_no_more_logprobs_are_claimed_than_were_given(full: Recording, topk: Recording) -> None:
    assert observe(topk, Access("topk", 40)).access == signature(topk, Access("topk", 40)).access == TOPK
    assert observe(full, Access("topk", 10**6)).access.top_k == min(TOP_TOKENS, len(VOCABULARY))


def broken(folder: Path, value: float, tokens: Any = 7) -> Recording:
    """A recording whose logits hold a value that a model should not give, for one token or several of a canary."""
    recording = write_recording(folder, MODEL)
    assert recording.logits is not None
    recording.logits["logits"][5, tokens] = value
    return recording


@pytest.mark.parametrize(
    ("value", "tokens"), [(np.nan, 7), (np.inf, 7), (-np.inf, slice(None))], ids=["nan", "overflow", "all forbidden"]
)
def test_logits_that_are_not_numbers_are_refused(folder: Path, value: float, tokens: Any) -> None:
    with pytest.raises(RecordingError, match="not numbers"):
        first_tokens(broken(folder, value, tokens))


def test_a_forbidden_token_is_a_number(folder: Path) -> None:
    seen = observe(broken(folder, -np.inf))
    assert not np.isnan(seen.bins).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"topk_logprobs": (np.nan, -1.0)}, "incomplete or not numbers"),
        ({"topk_bytes": None}, "incomplete or not numbers"),
        ({"topk_bytes": (b"a",)}, "incomplete or not numbers"),
        ({"topk_ids": (1, 2, 3)}, "incomplete or not numbers"),
        ({"topk_logprobs": (3.0, -1.0)}, "incomplete or not numbers"),
    ],
)
def test_top_k_answers_that_make_no_sense_are_refused(folder: Path, change: dict[str, Any], said: str) -> None:
    whole = {"topk_ids": (1, 2), "topk_bytes": (b"a", b"b"), "topk_logprobs": (-0.5, -1.0)}
    with pytest.raises(RecordingError, match=said):
        first_tokens(write_recording(folder, MODEL, "topk", changes={"c-002": whole | change}))


def test_rows_of_logits_must_be_those_of_the_answers(folder: Path) -> None:
    recording = write_recording(folder, MODEL)
    assert recording.logits is not None
    recording.logits["logits"] = recording.logits["logits"][1:]
    with pytest.raises(RecordingError, match="11 rows of logits for 12 answers"):
        first_tokens(recording)


def test_the_likeliest_tokens_come_first(full: Recording) -> None:
    first = first_tokens(full)
    assert first is not None
    assert first.ids.shape == (10, min(TOP_TOKENS, len(VOCABULARY)))
    assert (np.diff(first.logprobs, axis=1) <= 0).all()
    np.testing.assert_array_equal(first.ids[:, 0], MODEL.logits[ANSWERED].argmax(axis=1))
    assert all(VOCABULARY[number] == spelled for number, spelled in first.spelled.items())


def test_log_softmax_stands_large_logits() -> None:
    values = log_softmax(np.array([[1e4, 1e4 - 1, -np.inf]], np.float32))
    np.testing.assert_allclose(values, [[-0.31326, -1.31326, -np.inf]], atol=1e-4)
