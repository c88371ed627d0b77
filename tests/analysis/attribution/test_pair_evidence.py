"""Evidence beside the verdict: shown with its reference, left out with its reason, and never part of the posterior."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.attribution.attribute import attribute
from analysis.attribution.explanation import HEADINGS, Row, explanation
from analysis.attribution.pair_evidence import pair_evidence
from analysis.attribution.rules import Rules, without_tokenizer
from analysis.channels import all_channels, pair_channels
from analysis.kinship.beside_rivals import NAMES
from analysis.kinship.shared_weights import NAME
from analysis.libraries.library import Library
from analysis.signatures.signature import Signature, signature
from analysis.verdict import Verdict
from probes.errors import KinprintError


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.load()


@pytest.fixture(scope="module")
def candidate(library: Library) -> Signature:
    return signature(library.recording(next(m for m in library.members if m.name == "smollm2-pruned")))


@pytest.fixture(scope="module")
def others(library: Library) -> Library:
    return library.without(names=["smollm2-pruned"])


@pytest.fixture(scope="module")
def verdict(candidate: Signature, others: Library) -> Verdict:
    return attribute(candidate, others)


def test_every_file_of_a_channel_is_found_and_is_of_one_kind() -> None:
    assert set(pair_channels()) == {
        "choices", "habits", "keyhole", "logit_image", "rare_tokens", "rivals", "surprisal", "tokenizer_fit"
    }  # fmt: skip
    assert not set(pair_channels()) & set(all_channels())


def test_the_verdict_says_what_it_rests_on_and_what_was_left_out(verdict: Verdict, candidate: Signature) -> None:
    assert verdict.channels == (*Rules.channels, *NAMES, NAME)
    assert verdict.left_out == candidate.unfed == {"surprisal": verdict.left_out["surprisal"]}
    assert "logprobs" in verdict.left_out["surprisal"]


def test_numbers_stand_beside_the_nearest_reference_of_every_family(verdict: Verdict) -> None:
    rivals = {one.family: one.numbers["z"] for one in verdict.shown if one.channel == "rivals" and one.family}
    assert max(rivals, key=lambda family: rivals[family]) == "smollm2"
    assert rivals["smollm2"] > 3 > 0 > min(rivals.values())
    alone = {one.channel: one.numbers for one in verdict.shown if one.reference is None}
    assert alone["tokenizer_fit"] == {"cuts like smollm2-zoo": 1}


def test_what_is_shown_moves_no_probability(candidate: Signature, others: Library, verdict: Verdict) -> None:
    blind = attribute(replace(candidate, whole={}), others)
    assert blind.posterior == verdict.posterior
    assert blind.shown == ()


def test_any_channel_can_be_switched_off(candidate: Signature, others: Library, verdict: Verdict) -> None:
    off = ("greedy", "rivals")
    found = attribute(candidate, others, Rules(switched_off=off))
    assert found.channels == ("next_token", "wording")
    assert found.evidence is not None
    assert "greedy" not in found.evidence.channels
    assert "rivals" not in {one.channel for one in found.shown}
    assert {name: found.left_out[name] for name in off} == dict.fromkeys(off, "it was switched off")
    assert attribute(candidate, others, Rules(switched_off=tuple(Rules.channels))).decision == "no_signal"


def test_figures_are_given_with_the_tokenizer_off(candidate: Signature, others: Library, verdict: Verdict) -> None:
    behaviour = without_tokenizer(Rules.channels)
    assert attribute(candidate, others, Rules(behaviour)).posterior == verdict.without_tokenizer != verdict.posterior
    learned_here = attribute(candidate, others, Rules(behaviour, kinship=None))
    assert learned_here.without_tokenizer == learned_here.posterior
    only = attribute(candidate, others, Rules(channels=("token_space",), kinship=None))
    assert only.without_tokenizer == {}


def test_the_tokenizer_decides_only_where_it_was_learned_what_it_is_worth(
    candidate: Signature, others: Library
) -> None:
    found = attribute(candidate, others, Rules(("next_token", "tokenizer")))
    assert found.channels == ("next_token",)
    assert found.left_out["tokenizer"].startswith("what sharing a tokenizer is worth was not learned")
    assert found.calibration.basis.startswith("provisional")
    assert attribute(candidate, others, Rules(("next_token", "tokenizer"), kinship=None)).channels[1] == "tokenizer"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (Rules(channels=("logit_image",)), "is only shown; known are"),
        (Rules(channels=("nonsense",)), "there is no channel"),
        (Rules(switched_off=("nonsense",)), "there is no channel"),
        (Rules(switched_off=("greedy_token",)), "counts as a part of greedy"),
    ],
)
def test_channels_that_do_not_decide_cannot_be_made_to(
    candidate: Signature, others: Library, rules: Rules, said: str
) -> None:
    with pytest.raises(KinprintError, match=said):
        attribute(candidate, others, rules)


def test_a_channel_that_a_reference_cannot_feed_is_left_out(candidate: Signature, others: Library) -> None:
    member = others.members[0]
    lacking = replace(others, _signatures={})
    one = lacking.signature(member)
    lacking._signatures[member.name, one.access] = replace(one, unfed={"greedy": "there is no greedy answer"})
    found = attribute(candidate, lacking)
    assert "greedy" not in found.channels
    assert member.name in found.left_out["greedy"]


def test_numbers_that_are_none_are_not_shown(candidate: Signature) -> None:
    for one in pair_evidence(candidate, []):
        assert one.reference is None
        assert all(np.isfinite(value) for value in one.numbers.values())
    assert "logit_image" not in {one.channel for one in pair_evidence(candidate, [])}  # its hidden size was not seen


def test_the_verdict_survives_its_file(verdict: Verdict) -> None:
    import json

    assert Verdict.from_json(json.loads(verdict.to_json())) == verdict


def test_the_explanation_adds_up_and_is_in_order(verdict: Verdict) -> None:
    rows = explanation(verdict)
    assert verdict.evidence is not None
    by = {
        what: [row for row in rows if row.what == what] for what in ("channel", "kind", "canary", "shown", "left_out")
    }
    by_canary = [row for row in by["channel"] if row.name != NAME]  # which is of all canaries together
    assert len(by_canary) == len(by["channel"]) - 1
    total = sum(row.decibans or 0 for row in by_canary)
    for what in ("kind", "canary"):
        assert sum(row.decibans or 0 for row in by[what]) == pytest.approx(total, abs=0.3)
        sizes = [abs(row.decibans or 0) for row in by[what]]
        assert sizes == sorted(sizes, reverse=True)
    assert len(by["canary"]) == verdict.canaries
    assert [row.name for row in by["left_out"]] == list(verdict.left_out)
    assert {row.kind for row in by["shown"]} >= {"tokenizer", "family", "descent", "habits"}


def test_no_name_can_break_the_table() -> None:
    cells = Row("canary", "a\tb\nc", about="x\r\x1b[31m").cells()
    assert len(cells) == len(HEADINGS)
    assert not any(character in cell for cell in cells for character in "\t\n\r\x1b")


def test_a_candidate_that_feeds_nothing_of_the_kind_has_no_recording_read(
    candidate: Signature, others: Library, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(
        Library,
        "with_wholes",
        lambda self, member, channels: read.append(member.name) or signature(self.recording(member), only=channels),
    )
    without = attribute(replace(candidate, whole={}), others)
    assert read == []
    assert (without.shown, without.posterior) == ((), verdict.posterior)
    one = attribute(replace(candidate, whole={"habits": candidate.whole["habits"]}), others)
    assert read
    assert one.shown == tuple(shown for shown in verdict.shown if shown.channel == "habits")
