"""Recordings of made-up models: small, seeded, and shaped like real ones at every tier."""

import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from probes.answer import Answer
from probes.canary import Canary
from probes.manifest import Manifest, Tier
from probes.recording import LOGITS, Recording, save_recording
from probes.spelling import join_bytes
from probes.suite import Suite

VOCABULARY: tuple[bytes, ...] = (
    *(letter.encode() for letter in string.ascii_letters + string.digits + "éñ中"),
    *(b" " + letter.encode() for letter in string.ascii_letters),
    b"",  # end of turn
)
END = len(VOCABULARY) - 1
WORDS = ("sea", "lamp", "door", "iron", "moss", "bell", "crow", "salt")
KINDS = ("prose", "code", "facts")


def canary(number: int, **changes: Any) -> Canary:
    """A canary of its own for every number."""
    made = Canary(f"c-{number:03}", KINDS[number % 3], f"Sentence {number}:", None, 8, 4, "because", "a test")
    return replace(made, **changes)


def suite_of(size: int, start: int = 0) -> Suite:
    """A suite of `size` canaries, numbered from `start`."""
    return Suite("tiny", tuple(canary(number) for number in range(start, start + size)))


def manifest(suite: Suite, **changes: Any) -> Manifest:
    """A manifest with every field filled in."""
    made = Manifest(
        candidate="made-up",
        backend="fake",
        model="nowhere",
        tier="topk",
        suite={"name": suite.name, "sha256": suite.sha256},
        sampling={"seed": 0},
        engine={"name": "fake"},
        tokenizer={"size": len(VOCABULARY)},
        access={"logprobs": 20},
        counts={"ok": len(suite)},
        queries=len(suite),
        prompt_tokens=100,
        completion_tokens=50,
        seconds=1.5,
        started_at="2025-01-01T00:00:00Z",
        ended_at="2025-01-01T00:00:02Z",
        made_by={"command": "a test"},
    )
    return replace(made, **changes)


@dataclass(frozen=True)
class MadeUp:
    """A model that is nothing but its answers: logits [n_canaries, vocab_size], and how each greedy answer goes on."""

    name: str
    logits: npt.NDArray[np.float32]
    endings: tuple[str, ...]
    prompt_tokens: tuple[int, ...]


def make_up(family: int, member: int = 0, size: int = 24, world: int = 0, drift: float = 0.4) -> MadeUp:
    """Member `member` of a family: what all models share, what the family has of its own, and the member's drift."""

    def normal(*key: int) -> npt.NDArray[np.float64]:
        return np.random.default_rng((world, size, *key)).normal(size=(size, len(VOCABULARY)))

    logits = 1.5 * normal(0) + 1.5 * normal(1, family) + (drift * normal(2, family, member) if member else 0)
    logits[:, END] -= 8
    own, theirs = np.random.default_rng((world, 3, family)), np.random.default_rng((world, 4, family, member))
    endings = []
    for _ in range(size):
        common, changed = (" ".join(source.choice(WORDS, size=6)) for source in (own, theirs))
        endings.append(changed if theirs.random() < drift / 2 and member else common)
    tokens = tuple(10 + number % 5 + (number * (family + 1)) % 3 for number in range(size))
    return MadeUp(f"family{family}-{member}", logits.astype(np.float32), tuple(endings), tokens)


def softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Probabilities over the last axis."""
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def greedy_answer(model: MadeUp, place: int, asked: Canary, tier: Tier, top_k: int) -> Answer:
    """What the model says to one canary, with the top k where the tier gives it."""
    probabilities = softmax(model.logits[place])
    order = np.argsort(-probabilities, kind="stable")
    text = f"{VOCABULARY[order[0]].decode()} {model.endings[place]}"
    answer = Answer(asked.id, 0, "ok", text, prompt_tokens=model.prompt_tokens[place], completion_tokens=8)
    if tier != "topk":
        return answer
    top = order[:top_k]
    return replace(
        answer,
        topk_ids=tuple(top.tolist()),
        topk_bytes=tuple(VOCABULARY[token] for token in top),
        topk_logprobs=tuple(np.log(probabilities[top]).tolist()),
    )


def sampled_answers(model: MadeUp, place: int, asked: Canary, draws: int) -> list[Answer]:
    """`draws` answers drawn from the model's distribution, the same ones every time."""
    probabilities = softmax(model.logits[place])
    tokens = np.random.default_rng((5, place)).choice(len(VOCABULARY), size=draws, p=probabilities)
    texts = [VOCABULARY[token].decode() for token in tokens]
    return [Answer(asked.id, n, "ok" if text else "empty", text + " x" * bool(text)) for n, text in enumerate(texts, 1)]


def write_recording(
    folder: Path,
    model: MadeUp,
    tier: Tier = "logits",
    top_k: int = 20,
    draws: int = 8,
    suite: Suite | None = None,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    silent: Collection[str] = (),
    name: str | None = None,
    sampled: bool = False,
) -> Recording:
    """Record a made-up model. `changes` replaces fields of all answers to a canary; the `silent` ones answer empty.

    There are sampled answers at tier text, and with `sampled` at every tier.
    """
    suite = suite or suite_of(len(model.logits))
    answers: list[Answer] = []
    for place, asked in enumerate(suite.canaries):
        given = [greedy_answer(model, place, asked, tier, top_k)]
        given += sampled_answers(model, place, asked, draws) if sampled or tier == "text" else []
        fields: dict[str, Any] = dict((changes or {}).get(asked.id, {}))
        fields |= {"status": "empty", "text": ""} if asked.id in silent else {}
        answers += [replace(answer, **fields) for answer in given]
    arrays = {}
    if tier == "logits":
        usable = {answer.canary_id for answer in answers if answer.status == "ok"}
        arrays = {LOGITS: logits_arrays(model.logits[[c.id in usable for c in suite.canaries]])}
    made = manifest(suite, candidate=name or model.name, tier=tier, queries=len(answers))
    return save_recording(folder, made, suite, answers, arrays)


def logits_arrays(logits: npt.NDArray[Any], vocabulary: Sequence[bytes] = VOCABULARY) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a logits file."""
    content, offsets = join_bytes(vocabulary)
    return {"logits": logits, "token_bytes": content, "token_offsets": offsets}
