"""A candidate that said nothing to compare gets no posterior, and rules that make no sense get no verdict."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.attribution.attribute import Rules, attribute
from analysis.libraries.library import Library
from analysis.signatures.signature import Signature, signature
from probes.errors import KinprintError
from probes.manifest import Tier
from probes.recording import save_recording
from probes.suite import Suite
from tests.recordings import MadeUp, make_up, suite_of, write_recording

TIERS: list[Tier] = ["logits", "topk", "text"]


def recorded(folder: Path, model: MadeUp, tier: Tier = "topk", **how: Any) -> Signature:
    return signature(write_recording(folder, model, tier, **how))


IDS = [asked.id for asked in suite_of(24).canaries]
REFUSAL = {name: {"text": "I can't help with that."} for name in IDS}


@pytest.mark.parametrize(
    ("tier", "how", "said"),
    [
        *((tier, {"silent": IDS}, "0 of the 24 canaries that the library knows were answered") for tier in TIERS),
        *((tier, {"silent": IDS[7:]}, "7 of the 24 canaries that the library knows") for tier in TIERS),
        ("text", {"changes": {name: {"status": "refused"} for name in IDS}}, "0 of the 24 canaries"),
        ("text", {"changes": REFUSAL}, "the same answer to every canary"),
        ("text", {"changes": REFUSAL, "silent": IDS[:1]}, "the same answer to every canary"),
    ],
)
def test_silence_is_no_signal(
    folder: Path, made_up_library: Library, tier: Tier, how: dict[str, Any], said: str
) -> None:
    verdict = attribute(recorded(folder, make_up(0, 9), tier, **how), made_up_library)
    assert verdict.decision == "no_signal"
    assert (verdict.family, verdict.posterior, verdict.evidence) == (None, {}, None)
    assert said in verdict.reason
    assert verdict.reason in verdict.in_words()


@pytest.mark.parametrize("lost", [0, -1], ids=["a greedy answer", "a draw"])
def test_the_same_answer_every_time_is_no_signal_also_where_one_got_lost(
    folder: Path, made_up_library: Library, lost: int
) -> None:
    whole = write_recording(folder, make_up(0, 9), "text", changes=REFUSAL)
    answers = [answer for answer in whole.answers if answer != whole.answers[lost]]
    kept = save_recording(folder.with_name("b"), whole.manifest, whole.suite, answers, {})
    verdict = attribute(signature(kept), made_up_library)
    assert (verdict.decision, verdict.reason) == ("no_signal", "it gives the same answer to every canary")


@pytest.mark.parametrize("channels", [("next_token", "greedy"), ("greedy", "tokenizer"), ("tokenizer",), ("wording",)])
def test_the_same_answer_cut_at_other_lengths_is_no_signal(
    folder: Path, made_up_library: Library, channels: tuple[str, ...]
) -> None:
    # canaries differ in how many tokens they allow, and prompts in how many they are: neither is an answer
    cut = {name: {"text": "I can't help with that."[: 5 + number]} for number, name in enumerate(IDS)}
    candidate = recorded(folder, make_up(0, 9), "text", changes=cut)
    verdict = attribute(candidate, made_up_library, Rules(channels=channels, kinship=None))
    assert (verdict.decision, verdict.reason) == ("no_signal", "it gives the same answer to every canary")


@pytest.mark.parametrize("tier", ["logits", "topk"])
def test_the_same_distribution_for_every_canary_is_no_signal(
    folder: Path, made_up_library: Library, tier: Tier
) -> None:
    # up to what the order of the sums on an accelerator changes
    noise = np.random.default_rng(0).normal(scale=1e-2, size=make_up(0).logits.shape)
    constant = replace(
        make_up(0, 9),
        logits=(make_up(0).logits[:1] + noise).astype(np.float32),
        endings=("and so on",) * 24,
    )
    assert attribute(recorded(folder, constant, tier), made_up_library).decision == "no_signal"


def test_a_few_answers_that_differ_are_a_signal(folder: Path, made_up_library: Library) -> None:
    candidate = recorded(folder, make_up(0, 9), "text", changes={name: REFUSAL[name] for name in IDS[2:]})
    assert attribute(candidate, made_up_library).decision != "no_signal"


def test_answers_to_other_canaries_are_no_signal(folder: Path, made_up_library: Library) -> None:
    suite = Suite("longer", (*suite_of(24).canaries, *suite_of(24, start=100).canaries))
    logits = np.concatenate([make_up(0, 9).logits, make_up(1, 9).logits])
    model = replace(make_up(0, 9), logits=logits, endings=make_up(0, 9).endings * 2, prompt_tokens=(9,) * 48)
    candidate = recorded(folder, model, suite=suite, silent=IDS)
    assert attribute(candidate, made_up_library).decision == "no_signal"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channels": ("greedy", "astrology")}, "no channel 'astrology'; known are first_word, greedy, greedy_token"),
        ({"attributed_at": 0.5}, "attributed_at must lie above 0.5"),
        ({"unknown_at": 1.1}, "unknown_at must lie above 0.5"),
        ({"unknown_prior": 0.0}, "unknown_prior must lie between 0 and 1"),
        ({"unknown_prior": math.nan}, "unknown_prior must lie between 0 and 1"),
        ({"regularisation": 0.0}, "regularisation must be above 0"),
        ({"regularisation": -1.0}, "regularisation must be above 0"),
        ({"channels": ()}, "channels is empty; name at least one of first_word, greedy, greedy_token"),
        ({"family_prior": {"ash": 1.0}}, "family_prior names .* exactly the library's families, ash, birch, cedar"),
        ({"family_prior": {"ash": 1.0, "birch": 1.0, "cedar": -1.0}}, "family_prior must weigh every family above 0"),
        ({"family_prior": {"ash": 1, "birch": 1, "cedar": 1, "elm": 9}}, "family_prior names .*'elm'"),
    ],
)
def test_rules_that_make_no_sense_are_refused(
    folder: Path, made_up_library: Library, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(KinprintError, match=said):
        attribute(recorded(folder, make_up(0, 9)), made_up_library, Rules(**changes))
