"""A candidate that said nothing to compare gets no posterior, and rules that make no sense get no verdict."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.attribute import Rules, attribute
from analysis.library import Library
from analysis.signature import Signature, signature
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
        *((tier, {"silent": IDS}, "0 canaries were answered") for tier in TIERS),
        ("topk", {"silent": IDS[7:]}, "7 canaries were answered"),
        ("text", {"changes": {name: {"status": "refused"} for name in IDS}}, "0 canaries were answered"),
        ("text", {"changes": REFUSAL}, "the same answer to every canary"),
        pytest.param(
            "text",
            {"changes": REFUSAL, "silent": IDS[:1]},
            "the same answer to every canary",
            marks=pytest.mark.xfail(
                strict=True, reason="an unanswered canary counts as another answer (NaN, n_draws 0)"
            ),
        ),
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


@pytest.mark.xfail(strict=True, reason="n_draws differs between canaries, and that counts as information")
def test_the_same_answer_every_time_is_no_signal_also_where_a_draw_got_lost(
    folder: Path, made_up_library: Library
) -> None:
    whole = write_recording(folder, make_up(0, 9), "text", changes=REFUSAL)
    kept = save_recording(folder.with_name("b"), whole.manifest, whole.suite, whole.answers[:-1], {})
    assert attribute(signature(kept), made_up_library).decision == "no_signal"


@pytest.mark.xfail(
    strict=True, reason="`answered` counts canaries that the library does not know: 24 silent ones decide"
)
def test_answers_to_other_canaries_are_no_signal(folder: Path, made_up_library: Library) -> None:
    suite = Suite("longer", (*suite_of(24).canaries, *suite_of(24, start=100).canaries))
    logits = np.concatenate([make_up(0, 9).logits, make_up(1, 9).logits])
    model = replace(make_up(0, 9), logits=logits, endings=make_up(0, 9).endings * 2, prompt_tokens=(9,) * 48)
    candidate = recorded(folder, model, suite=suite, silent=IDS)
    assert attribute(candidate, made_up_library).decision == "no_signal"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channels": ("greedy", "astrology")}, "no channel 'astrology'; known are greedy, next_token"),
        ({"attributed_at": 0.5}, "attributed_at must lie above 0.5"),
        ({"unknown_at": 1.1}, "unknown_at must lie above 0.5"),
        ({"unknown_prior": 0.0}, "unknown_prior must lie between 0 and 1"),
        ({"unknown_prior": math.nan}, "unknown_prior must lie between 0 and 1"),
        *(
            pytest.param(change, said, marks=pytest.mark.xfail(strict=True, reason=f"ends in a traceback: {how}"))
            for change, said, how in (
                ({"regularisation": 0.0}, "regularisation", "ZeroDivisionError"),
                ({"regularisation": -1.0}, "regularisation", "InvalidParameterError"),
                ({"family_prior": {"ash": 1.0}}, "family_prior", "ValueError"),
                ({"family_prior": {"ash": 1.0, "birch": 1.0, "cedar": -1.0}}, "family_prior", "ValueError"),
            )
        ),
        *(
            pytest.param(change, said, marks=pytest.mark.xfail(strict=True, reason=how))
            for change, said, how in (
                ({"channels": ()}, "channels", "no channels at all is reported as no_signal of the candidate"),
                ({"family_prior": {"ash": 1, "birch": 1, "cedar": 1, "elm": 9}}, "elm", "a typo is ignored in silence"),
            )
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(
    folder: Path, made_up_library: Library, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(KinprintError, match=said):
        attribute(recorded(folder, make_up(0, 9)), made_up_library, Rules(**changes))
