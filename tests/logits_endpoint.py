"""An endpoint with logits of its own, whose ways with a bias and with named tokens are set by the tests."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from werkzeug import Response

from tests.endpoint import Endpoint, refuse

WORDS = tuple(f"{'abcdefgh'[number % 8]}{'ijklmnop'[number // 8]}" for number in range(60))
VOCABULARY = [word.encode() for word in WORDS]


def logits_of(prompt: str) -> np.ndarray:
    """Logits [60] after a prompt: everybody's, and a part of its own."""
    seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4], "big")
    shared: np.ndarray = np.random.default_rng(0).normal(size=60) * 4
    return shared + np.random.default_rng(seed).normal(size=60)


UNLIKELY = np.argsort(np.random.default_rng(0).normal(size=60))[:20].tolist()
"""Ids that are never among the likeliest."""


@dataclass
class LogitsEndpoint(Endpoint):
    """`largest`: larger biases are cut to it. `shift`: its ids are other ones than those of `WORDS`, by so much."""

    most_logprobs: int = 5
    honours: bool = False
    by_id: bool = False
    largest: float = 100.0
    refuses: bool = False
    shift: int = 0

    def answer(self, path: str, body: dict[str, Any]) -> Response:
        if self.refuses and {"logit_bias", "logprob_token_ids"} & body.keys():
            return refuse(400, "no such field")
        return super().answer(path, body)

    def _tokens(self, prompt: str, body: dict[str, Any], count: int) -> tuple[list[str], list[dict[str, float]]]:
        logits = logits_of(prompt)
        for key, value in body.get("logit_bias", {}).items() if self.honours else ():
            logits[(int(key) + self.shift) % 60] += min(value, self.largest)
        if body.get("temperature", 1) > 0:
            logits += np.random.default_rng(body.get("seed")).gumbel(size=60)
        logprobs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        ranked = np.argsort(-logprobs).tolist()
        named = [(number + self.shift) % 60 for number in body.get("logprob_token_ids", ()) if self.by_id]
        shown = [ranked[0], *named] if named else ranked[:count]
        tops = {WORDS[number]: round(float(logprobs[number]), 4) for number in shown}
        return [WORDS[ranked[0]]], [tops] if count else []


def prompt_of(body: dict[str, Any]) -> str:
    """The prompt of a request, as `logits_of` takes it."""
    return str(body["prompt"]) if "prompt" in body else json.dumps(body["messages"])
