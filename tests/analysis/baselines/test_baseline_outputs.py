"""What peers see of a recording at each access."""

from collections import Counter

import numpy as np
import pytest

from analysis.baselines.outputs import FREE_DRAWS, align, outputs_of
from analysis.libraries.library import Library
from analysis.signatures.observation import Access
from analysis.signatures.reduction import SUBSET
from probes.errors import RecordingError
from tests.recordings import VOCABULARY, make_up, softmax, write_recording


def test_logits_give_first_tokens_draws_and_named_logits(tmp_path):
    made = make_up(0)
    seen = outputs_of(write_recording(tmp_path / "one", made, name="one"), lineage="ash")
    best = made.logits.argmax(axis=1)
    assert seen.first_token == tuple(VOCABULARY[token] for token in best)
    assert seen.sampled == "first_tokens"
    assert {sum(counts.values()) for counts in seen.samples} == {FREE_DRAWS}
    assert seen.logits is not None
    assert seen.logits.shape == (24, len(seen.tokens["ids"]))
    assert (seen.name, seen.lineage) == ("one", "ash")


def test_draws_follow_the_distribution_and_are_the_same_again(tmp_path):
    made = make_up(0)
    recording = write_recording(tmp_path / "one", made, name="one")
    seen, again = outputs_of(recording), outputs_of(recording)
    assert seen.samples == again.samples
    likeliest = softmax(made.logits).argmax(axis=1)
    share = [
        counts.get(VOCABULARY[token].decode(), 0) / FREE_DRAWS
        for counts, token in zip(seen.samples, likeliest, strict=True)
    ]
    expected = softmax(made.logits).max(axis=1)
    assert np.mean(share) == pytest.approx(np.mean(expected), abs=4 / np.sqrt(FREE_DRAWS * 24))


def test_topk_shows_no_logits_unless_tokens_can_be_named(tmp_path):
    recording = write_recording(tmp_path / "one", make_up(0), name="one")
    seen = outputs_of(recording, Access("topk", top_k=2))
    assert seen.logits is None
    assert max(map(len, seen.samples)) <= 2
    assert outputs_of(recording, Access("topk", top_k=2, named=True)).logits is not None


def test_text_gives_recorded_answers_and_first_words_and_no_tokens(tmp_path):
    recording = write_recording(tmp_path / "one", make_up(0), tier="text", draws=5, name="one", silent=["c-002"])
    seen = outputs_of(recording)
    assert seen.sampled == "answers"
    assert seen.logits is None
    assert [sum(counts.values()) for counts in seen.samples] == [5, 5, 0, *[5] * 21]
    assert sorted(Counter(seen.samples[0]).elements()) == sorted(recording.draw_texts["c-000"])
    assert sum(seen.first_words[0].values()) == 5
    assert seen.greedy[2] is None and seen.first_token[2] is None  # noqa: PT018
    assert seen.first_token[0] == seen.greedy[0].split()[0].encode()
    assert sum(outputs_of(recording, Access("text", draws=2)).samples[0].values()) == 2


def test_text_without_recorded_draws_has_as_many_first_tokens_as_the_access_allows(tmp_path):
    recording = write_recording(tmp_path / "one", make_up(0), name="one")
    seen = outputs_of(recording, Access("text", draws=3))
    assert {sum(counts.values()) for counts in seen.samples} == {3}
    nothing = outputs_of(recording, Access("text"))
    assert nothing.sampled == "nothing"
    assert all(sum(words.values()) == 1 for words in nothing.first_words)  # the greedy answer's


def test_canaries_are_taken_by_place_and_aligned_by_prompt(tmp_path):
    seen = outputs_of(write_recording(tmp_path / "one", make_up(0), name="one"))
    some = seen.take([3, 1])
    assert some.digests == (seen.digests[3], seen.digests[1])
    assert some.logits is not None and seen.logits is not None  # noqa: PT018
    np.testing.assert_array_equal(some.logits, seen.logits[[3, 1]])
    (aligned,) = align([seen], some.digests)
    assert aligned.samples == some.samples
    with pytest.raises(RecordingError, match="lacks 22 of the 24"):
        align([some], seen.digests)


def test_a_shipped_reference_is_read_in_its_reduced_form():
    library = Library.load()
    seen = outputs_of(library.recording(library.members[0]))
    assert seen.logits is not None
    assert seen.logits.shape[1] == SUBSET
    assert np.isfinite(seen.logits).all()
