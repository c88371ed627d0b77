"""From a recording to a verdict, end to end, on made-up models at every tier."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import analysis.attribution.attribute
from analysis.attribution.attribute import Rules, attribute
from analysis.attribution.evidence_by_canary import DECIBANS
from analysis.attribution.posterior import Attributor
from analysis.kinship.classifier import KinshipClassifier, fit_kinship
from analysis.kinship.pairing import Pairing
from analysis.libraries.library import Library, Member, save_index
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature, align, signature
from probes.canary import Message
from probes.errors import LibraryError
from probes.manifest import Tier
from probes.recording import folder_name
from probes.suite import Suite
from tests.recordings import MadeUp, canary, make_up, suite_of, write_recording

BEHAVIOUR = ("next_token", "greedy", "wording")
RULES = Rules(BEHAVIOUR, attributed_at=0.8, kinship=None)  # learned from a library so small, it does not reach more
TIERS: list[Tier] = ["logits", "topk", "text"]


def recorded(folder: Path, model: MadeUp, tier: Tier = "topk", **how: Any) -> Signature:
    return signature(write_recording(folder, model, tier, **how))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(("family", "expected"), [(0, "ash"), (2, "cedar"), (7, None)])
def test_descendants_are_named_and_strangers_are_not(
    folder: Path, made_up_library: Library, tier: Tier, family: int, expected: str | None
) -> None:
    verdict = attribute(recorded(folder, make_up(family, 9), tier), made_up_library, RULES)
    assert (verdict.decision, verdict.family) == ("attributed" if expected else "unknown", expected)
    assert set(verdict.posterior) == {"ash", "birch", "cedar", "unknown"}
    assert sum(verdict.posterior.values()) == pytest.approx(1)
    assert (verdict.tier, verdict.library, verdict.canaries) == (tier, "made-up-1", 24)
    assert verdict.calibration.basis.startswith("provisional")
    assert verdict.calibration.lineages == 3
    assert verdict.warnings == ()


@pytest.mark.parametrize("left_out", [{"families": ["ash"]}, {"names": ["ash-base"], "families": ["ash"]}])
def test_a_family_that_is_left_out_is_unknown(folder: Path, made_up_library: Library, left_out: dict[str, Any]) -> None:
    # "unknown" takes a posterior of its own: the default rules ask for 0.9
    verdict = attribute(recorded(folder, make_up(0, 9)), made_up_library.without(**left_out), RULES)
    assert verdict.decision == "unknown"
    assert "ash" not in verdict.posterior


def test_a_technique_that_is_left_out_teaches_nothing(folder: Path, made_up_library: Library) -> None:
    fewer = made_up_library.without(techniques=["noise", "rounding"])
    assert {member.technique for member in fewer.members} == {"base", "pruning"}
    verdict = attribute(recorded(folder, make_up(1, 1), "logits"), fewer, replace(RULES, attributed_at=0.6))
    assert verdict.family == "birch"
    assert set(verdict.evidence.log_likelihood_ratios if verdict.evidence else ()) == {m.name for m in fewer.members}


def test_between_the_thresholds_nothing_is_claimed(folder: Path, made_up_library: Library) -> None:
    candidate = recorded(folder, make_up(0, 9))
    verdict = attribute(candidate, made_up_library, replace(RULES, attributed_at=1.0))
    assert (verdict.decision, verdict.family) == ("inconclusive", None)
    assert verdict.posterior["ash"] > 0.8
    assert "ash comes out likeliest" in verdict.reason
    stranger = attribute(
        recorded(folder.with_name("b"), make_up(7, 1)), made_up_library, replace(RULES, unknown_at=1.0)
    )
    assert (stranger.decision, stranger.family) == ("inconclusive", None)


def test_members_that_are_not_to_be_fitted_are_still_compared(folder: Path, made_up_library: Library) -> None:
    write_recording(made_up_library.folder / "dogwood", make_up(5, 0), name="dogwood")
    grown = made_up_library.with_member(Member("dogwood", "dogwood", fit=False))
    candidate = recorded(folder, make_up(5, 1))
    assert attribute(candidate, made_up_library, RULES).decision == "unknown"
    verdict = attribute(candidate, grown, replace(RULES, attributed_at=0.7))
    assert verdict.family == "dogwood"
    assert verdict.calibration.lineages == 3
    before = attribute(recorded(folder.with_name("b"), make_up(0, 9)), made_up_library, RULES)
    after = attribute(recorded(folder.with_name("c"), make_up(0, 9)), grown, RULES)
    assert before.evidence is not None
    assert after.evidence is not None
    assert before.evidence.log_likelihood_ratios.items() <= after.evidence.log_likelihood_ratios.items()


@pytest.mark.parametrize("tier", TIERS)
def test_decibans_sum_to_the_difference_of_the_two_scores(folder: Path, made_up_library: Library, tier: Tier) -> None:
    verdict = attribute(recorded(folder, make_up(0, 9), tier), made_up_library)
    evidence = verdict.evidence
    assert evidence is not None
    assert evidence.rival_reference is not None
    ratios = evidence.log_likelihood_ratios
    difference = 10 / math.log(10) * (ratios[evidence.reference] - ratios[evidence.rival_reference])
    total = sum(row.decibans for row in evidence.canaries)
    together = evidence.channels.get("partial_coefficient", 0)  # of all canaries, and of no kind
    assert total + together == pytest.approx(difference, abs=24 * 0.0005 + 0.005)  # each is rounded to 3 digits
    assert sum(evidence.channels.values()) == pytest.approx(difference, abs=0.02)
    assert sum(evidence.kinds.values()) + together == pytest.approx(difference, abs=0.03)
    assert sorted(map(abs, (row.decibans for row in evidence.canaries)), reverse=True) == [
        abs(row.decibans) for row in evidence.canaries
    ]
    assert {row.id for row in evidence.canaries} == {asked.id for asked in suite_of(24).canaries}
    assert evidence.family == max(set(verdict.posterior) - {"unknown"}, key=verdict.posterior.__getitem__)
    of_family = {name: ratio for name, ratio in ratios.items() if name.startswith(evidence.family)}
    assert evidence.reference == max(of_family, key=of_family.__getitem__)


def test_the_decomposition_is_exact(folder: Path, made_up_library: Library) -> None:
    candidate = recorded(folder, make_up(0, 9), "logits")
    members = made_up_library.members
    references = made_up_library.signatures(members, candidate.digests)
    pairing = Pairing()
    kinship = fit_kinship(pairing, references, references, [member.family for member in members])
    attributor = Attributor(kinship, pairing).fit(references, [member.family for member in members])
    ratios = attributor.log_likelihood_ratios([candidate])[0]
    for one, other in ((0, 5), (3, 11)):
        terms = pairing.terms(candidate, references[one]) - pairing.terms(candidate, references[other])
        parts = DECIBANS * kinship.slopes[:, None] * terms
        assert parts.sum() == pytest.approx(DECIBANS * (ratios[one] - ratios[other]), abs=1e-9)


def test_what_the_library_does_not_know_is_left_out_and_said(folder: Path, made_up_library: Library) -> None:
    suite = Suite("longer", (*suite_of(24).canaries[::-1], *suite_of(2, start=100).canaries))
    model = make_up(0, 9)
    places = [*range(23, -1, -1), 0, 1]
    model = replace(
        model,
        logits=model.logits[places],
        endings=tuple(model.endings[place] for place in places),
        prompt_tokens=tuple(model.prompt_tokens[place] for place in places),
    )
    verdict = attribute(recorded(folder, model, suite=suite, silent=["c-101"]), made_up_library, RULES)
    assert (verdict.family, verdict.canaries) == ("ash", 24)
    assert [warning.split(" canaries")[0] for warning in verdict.warnings] == ["2", "1 of 26"]


def test_a_suite_that_the_library_was_not_recorded_with_is_told(folder: Path, made_up_library: Library) -> None:
    candidate = recorded(folder, make_up(0, 9), suite=suite_of(24, start=100))
    with pytest.raises(LibraryError, match="not recorded with the canaries of suite 'tiny'"):
        attribute(candidate, made_up_library)


def test_a_library_too_small_to_learn_from_is_told(folder: Path, made_up_library: Library) -> None:
    bases = made_up_library.without(techniques=["noise", "rounding", "pruning"])
    with pytest.raises(LibraryError, match="to learn kinship from; it needs at least two families"):
        attribute(recorded(folder, make_up(0, 9)), bases, RULES)


def test_one_family_alone_is_told_from_nothing(folder: Path, made_up_library: Library) -> None:
    verdict = attribute(recorded(folder, make_up(0, 9)), made_up_library.without(families=["ash", "birch"]), RULES)
    assert (verdict.decision, verdict.posterior) == ("no_signal", {})
    assert verdict.reason.startswith("cedar is the only family that was asked these prompts")


def test_the_tokenizer_is_a_set_of_its_own(folder: Path, made_up_library: Library) -> None:
    # ash's answers under cedar's tokenizer
    disguised = replace(make_up(0, 9), prompt_tokens=tuple(n + 3 for n in make_up(2).prompt_tokens))
    verdict = attribute(recorded(folder, disguised), made_up_library, RULES)
    assert verdict.family == "ash"
    assert verdict.tokenizer == {"fits": ["cedar"], "collisions": []}
    assert verdict.channels == ("next_token", "greedy", "wording")


def test_what_was_learned_beforehand_serves_families_that_it_never_saw(folder: Path, made_up_library: Library) -> None:
    verdict = attribute(recorded(folder, make_up(0, 9), "logits"), made_up_library, Rules(attributed_at=0.6))
    assert verdict.family == "ash"
    assert verdict.calibration.basis.endswith("measured on lineages held out")
    assert verdict.calibration.reliability["calibration_p_value"] > 0
    assert verdict.family_set is not None
    assert verdict.family_set.members is not None
    assert verdict.family_set.members[0] == "ash"
    shifted = attribute(recorded(folder.with_name("b"), make_up(0, 9)), made_up_library, Rules(unknown_prior=0.2))
    assert shifted.family_set is not None
    assert shifted.family_set.members is None
    assert "calibrated for the prior" in shifted.family_set.basis


def test_without_such_a_file_there_is_no_set(folder: Path, made_up_library: Library) -> None:
    verdict = attribute(recorded(folder, make_up(0, 9)), made_up_library, RULES)
    assert verdict.family_set is not None
    assert verdict.family_set.members is None
    assert "was not measured" in verdict.family_set.basis


def test_a_suite_of_chats_has_no_tokenizer_evidence(tmp_path: Path) -> None:
    chats = Suite("chats", tuple(canary(n, text=None, messages=(Message("user", f"Hello {n}"),)) for n in range(24)))
    members = [Member(f"m{family}{number}", "ab"[family]) for family in range(2) for number in range(2)]
    for member, (family, number) in zip(members, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
        write_recording(tmp_path / folder_name(member.name), make_up(family, number), suite=chats, name=member.name)
    save_index(tmp_path, "chats", members)
    verdict = attribute(recorded(tmp_path / "c", make_up(0, 9), suite=chats), Library.load(tmp_path))
    assert verdict.tokenizer["fits"] == []


def test_the_same_recording_gets_the_same_verdict(folder: Path, made_up_library: Library) -> None:
    candidate = recorded(folder, make_up(0, 9), "text")
    fresh = Library.load(made_up_library.folder)
    shuffled = replace(fresh, members=fresh.members[::-1], _signatures={})
    one, other = attribute(candidate, made_up_library), attribute(candidate, shuffled)
    assert one.posterior == pytest.approx(other.posterior, abs=1e-5)
    assert one.decision == other.decision
    [aligned] = align([candidate], candidate.digests)
    assert attribute(aligned, made_up_library) == one


def test_kinship_is_learned_at_the_access_that_the_candidate_had(
    folder: Path, made_up_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Access] = []

    def spy(pairing: Pairing, candidates: Sequence[Signature], *others: Any) -> KinshipClassifier:
        seen.extend(candidate.access for candidate in candidates)
        return fit_kinship(pairing, candidates, *others)

    monkeypatch.setattr(analysis.attribution.attribute, "fit_kinship", spy)
    candidate = recorded(folder, make_up(0, 9), "text", draws=3)
    attribute(candidate, made_up_library, RULES)
    assert seen == [Access("text", draws=3)] * 12
