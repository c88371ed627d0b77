"""Endpoints that don't answer as one model would: each comes out under its name, and an honest one under none."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.attribution.attribute import attribute
from analysis.attribution.conduct import repeats
from analysis.libraries.library import Library
from analysis.signatures.signature import signature
from analysis.verdict import Verdict
from probes.answer import Answer
from probes.manifest import Tier
from probes.recording import Recording, save_recording
from tests.recordings import VOCABULARY, make_up, manifest, softmax, suite_of, write_recording

Answering = Callable[[str, int, str], str]
"""What an endpoint says to (canary id, draw, prompt)."""
TIERS: list[Tier] = ["logits", "topk", "text"]


def honest(folder: Path, tier: Tier = "text", **how: Any) -> Recording:
    return write_recording(folder, make_up(0, 9), tier, **how)


def texts(folder: Path, say: Answering, draws: int = 4, **changes: Any) -> Recording:
    """The recording of an endpoint at tier text that says what it is told to."""
    suite = suite_of(24)
    answers = [
        Answer(asked.id, draw, "ok", say(asked.id, draw, asked.text or ""), prompt_tokens=9, completion_tokens=4)
        for asked in suite.canaries
        for draw in range(draws + 1)
    ]
    return save_recording(folder, manifest(suite, tier="text", **changes), suite, answers, {})


def word(*key: object) -> str:
    number = int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:4], "big")
    return " ".join(chr(97 + number // 26**place % 26) * 3 for place in range(3))


def test_an_honest_model_has_no_name_and_a_noise_floor(folder: Path, made_up_library: Library) -> None:
    verdict = attribute(signature(honest(folder, draws=8)), made_up_library)
    assert verdict.conduct == {}
    assert verdict.noise_floor is not None
    assert 0.1 < verdict.noise_floor < 0.9
    assert Verdict.from_json(json.loads(verdict.to_json())) == verdict


@pytest.mark.parametrize("tier", ["logits", "topk"])
def test_where_nothing_was_repeated_there_is_no_noise_floor(folder: Path, made_up_library: Library, tier: Tier) -> None:
    assert attribute(signature(honest(folder, tier)), made_up_library).noise_floor is None


@pytest.mark.parametrize(
    "say",
    [
        lambda name, draw, prompt: prompt,
        lambda name, draw, prompt: prompt[:10],
        lambda name, draw, prompt: f'"{prompt.upper()}"',
        lambda name, draw, prompt: f"You said: {prompt} I see.",
    ],
    ids=["whole", "cut short", "quoted", "framed"],
)
def test_repeating_the_prompt_is_no_signal(folder: Path, made_up_library: Library, say: Answering) -> None:
    verdict = attribute(signature(texts(folder, say)), made_up_library)
    assert (verdict.decision, set(verdict.conduct), verdict.posterior) == ("no_signal", {"echo"}, {})
    assert "repeats the prompt" in verdict.reason


def test_the_same_answer_to_everything_has_its_name(folder: Path, made_up_library: Library) -> None:
    verdict = attribute(signature(texts(folder, lambda *_: "I can't help with that.")), made_up_library)
    assert (verdict.decision, set(verdict.conduct)) == ("no_signal", {"constant"})


@pytest.mark.parametrize("tier", TIERS)
def test_random_tokens_are_nobodys(folder: Path, made_up_library: Library, tier: Tier) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3, size=(24, len(VOCABULARY))).astype(np.float32)
    noise = replace(make_up(7), logits=logits, endings=tuple(word(place) for place in range(24)))
    verdict = attribute(signature(write_recording(folder, noise, tier)), made_up_library)
    assert verdict.decision in ("unknown", "no_signal", "inconclusive")
    assert verdict.family is None


def test_random_texts_are_no_signal_and_differ_from_themselves(folder: Path, made_up_library: Library) -> None:
    verdict = attribute(signature(texts(folder, lambda *key: word(key))), made_up_library)
    assert (verdict.decision, set(verdict.conduct)) == ("no_signal", {"random"})
    assert "does not depend on the prompt" in verdict.reason
    assert verdict.noise_floor is not None
    assert verdict.noise_floor > 0.7


def test_top_tokens_that_hold_next_to_nothing_are_no_signal(folder: Path, made_up_library: Library) -> None:
    recording = honest(folder, "topk")
    flat = [
        replace(a, topk_logprobs=tuple(np.log(1e-4 + 1e-6 * n) for n in range(20))[::-1]) for a in recording.answers
    ]
    kept = save_recording(folder.with_name("flat"), recording.manifest, recording.suite, flat, {})
    verdict = attribute(signature(kept), made_up_library)
    assert (verdict.decision, set(verdict.conduct)) == ("no_signal", {"random"})


def test_answers_from_a_cache_are_a_warning(folder: Path, made_up_library: Library) -> None:
    model = make_up(0, 9)
    probable = {asked.id: VOCABULARY[int(np.argmax(row))].decode() for asked, row in
                zip(suite_of(24).canaries, softmax(model.logits), strict=True)}  # fmt: skip
    verdict = attribute(signature(texts(folder, lambda name, draw, prompt: probable[name] + " x")), made_up_library)
    assert set(verdict.conduct) == {"cached"}
    assert "24 of 24 canaries" in verdict.conduct["cached"]
    assert any(warning.startswith("cached: ") for warning in verdict.warnings)
    assert verdict.noise_floor == 0


def test_a_model_that_is_sure_of_its_answers_is_no_cache(folder: Path, made_up_library: Library) -> None:
    sure = replace(make_up(0, 9), logits=make_up(0, 9).logits * 40)
    recording = write_recording(folder, sure, "logits", sampled=True, changes={})
    assert "cached" not in attribute(signature(recording), made_up_library).conduct


def test_draws_at_temperature_zero_are_no_draws(folder: Path, made_up_library: Library) -> None:
    recording = texts(folder, lambda name, *_: word(name), sampling={"temperature": 0})
    verdict = attribute(signature(recording), made_up_library)
    assert (verdict.conduct, verdict.noise_floor) == ({}, None)


def test_a_switching_endpoint_is_a_warning_beside_the_verdict(folder: Path, made_up_library: Library) -> None:
    one, other = make_up(0, 9), make_up(1, 9)
    first = np.random.default_rng(0).random(24) < 0.5
    switching = replace(
        one,
        logits=np.where(first[:, None], one.logits, other.logits),
        endings=tuple(a if f else b for f, a, b in zip(first, one.endings, other.endings, strict=True)),
    )
    for place, tier in enumerate(TIERS):
        verdict = attribute(signature(write_recording(folder / str(place), switching, tier)), made_up_library)
        assert set(verdict.conduct) == {"mixture"}, tier
        assert "like ash" in verdict.conduct["mixture"]
        assert "like birch" in verdict.conduct["mixture"]
        assert any(warning.startswith("mixture: ") for warning in verdict.warnings)


@pytest.mark.parametrize(
    ("answer", "prompt", "said"),
    [
        ("The lighthouse", "The lighthouse keeper had not spoken", 1.0),
        ("the  LIGHTHOUSE keeper", "The lighthouse keeper had not spoken", 1.0),
        (" had not spoken to anyone since", "The lighthouse keeper had not spoken to anyone since May", 1.0),
        ("keeper had", "The lighthouse keeper had not spoken", 0.0),  # a few words of it may come by chance
        ("He opened the door", "The lighthouse keeper had not spoken", 0.0),
        ("The", "The lighthouse keeper had not spoken", np.nan),
        ("hello, how are you?", "hi", np.nan),
    ],
)
def test_what_a_repetition_is(answer: str, prompt: str, said: float) -> None:
    np.testing.assert_equal(repeats(answer, prompt), said)
