"""Made-up recordings with hostile names and answers, and a verdict of every decision."""

import math
from dataclasses import replace
from pathlib import Path

from analysis.libraries.library import Member
from analysis.verdict import Calibration, CanaryEvidence, Decision, Evidence, Verdict
from probes.answer import Answer
from probes.canary import Canary, Message
from probes.manifest import Manifest
from probes.recording import Recording, folder_name, save_recording
from probes.suite import Suite

HOSTILE = "<script>alert(1)</script>[bold]\u202eevil\x00"
KINDS = ("prose", "code", "mathematics", "facts")
MEMBERS = (Member("smollm2", "smollm2"), Member("gemma3", "gemma3"))


def _canary(number: int) -> Canary:
    chat = (Message("system", "Be brief."), Message("user", f"Name colour number {number}."))
    text = None if number % 4 == 3 else f"The lighthouse keeper of island {number} said\nthat"
    why = "Fiction: which verb follows, <b>bold</b> or not"
    return Canary(
        f"{KINDS[number % 4]}-{number:03}", KINDS[number % 4], text, None if text else chat, 8, 4, why, "a test"
    )


SUITE = Suite("tiny", tuple(_canary(number) for number in range(12)))


def _answer(canary: Canary, text: str) -> Answer:
    tokens = (text[:3].encode(), b" the\xec", b"")
    ids = tuple(int.from_bytes(token, "big") % 50_000 for token in tokens)
    logprobs = tuple(math.log(p) for p in (0.7, 0.2, 0.05))
    return Answer(canary.id, 0, "ok", text, topk_ids=ids, topk_bytes=tokens, topk_logprobs=logprobs, prompt_tokens=12)


def record(folder: Path, name: str, texts: list[str], suite: Suite = SUITE) -> Recording:
    """A recording at tier topk in which the model `name` answers the suite with `texts`, over and over."""
    manifest = Manifest(
        candidate=name,
        backend="vllm",
        model=f"/models/{name}",
        tier="topk",
        suite={"name": suite.name, "sha256": suite.sha256},
        sampling={"temperature": 0.0, "seed": 1},
        engine={"name": "vllm", "version": "0.0", "dtype": "bfloat16", "device": "cpu"},
        tokenizer={"size": 49152, "sha256": None},
        access={"logprobs": 20, "vocabulary": False},
        counts={"ok": len(suite)},
        queries=len(suite),
        prompt_tokens=144,
        completion_tokens=96,
        seconds=75.5,
        started_at="2025-01-01T00:00:00Z",
        ended_at="2025-01-01T00:01:16Z",
        made_by={"command": "kinprint collect", "kinprint": "0.1.0"},
    )
    answers = [_answer(canary, texts[number % len(texts)]) for number, canary in enumerate(suite.canaries)]
    return save_recording(folder / folder_name(name), manifest, suite, answers, {})


def verdict_of(recording: Recording, decision: Decision) -> Verdict:
    """A verdict with this decision, as `attribute` would make it."""
    p = {"attributed": 0.9996, "inconclusive": 0.6, "unknown": 0.02, "no_signal": 0.0}[decision]
    rows = [
        CanaryEvidence(
            c.id, c.kind, (-1) ** n * (9.0 - n / 2), {"next_token": 0.9, "greedy": None}, {"next_token": 0.2}
        )
        for n, c in enumerate(SUITE.canaries)
    ]
    evidence = Evidence(
        family="smollm2",
        reference="smollm2",
        rival_family="gemma3",
        rival_reference="gemma3",
        channels={"next_token": 31.5, "greedy": -2.25},
        kinds={"prose": 20.0, "code": -5.5, "mathematics": 10.0, "facts": 4.75},
        canaries=tuple(rows),
        log_likelihood_ratios={"smollm2": 7.5, "gemma3": -3.25},
        excess_similarity={"smollm2": {"next_token": 0.81, "greedy": 0.4}, "gemma3": {"next_token": 0.02}},
    )
    verdict = Verdict(
        candidate=recording.manifest.candidate,
        tier="topk",
        suite="tiny",
        decision=decision,
        family="smollm2" if decision == "attributed" else None,
        posterior={"smollm2": p, "gemma3": (1 - p) / 10, "unknown": 0.9 * (1 - p)},
        queries=12,
        tokens=240,
        seconds=75.5,
        calibration=Calibration("provisional: logistic regression on pairs of 2 references of 2 families", 2),
        library="tiny-1",
        reason="smollm2 comes out likeliest with 0.60, and 0.9 is needed",
        canaries=12,
        channels=("next_token", "greedy"),
        tokenizer={"fits": ["smollm2"]},
        evidence=evidence,
        warnings=("1 of 12 canaries have no usable answer",),
        version="0.1.0",
    )
    return replace(verdict, posterior={}, evidence=None, channels=()) if decision == "no_signal" else verdict
