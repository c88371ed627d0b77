"""The most tokens that a request can cost, counted before it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PER_REQUEST = 32
"""Tokens that an endpoint may put around any prompt: begin of text, an empty system turn."""
PER_CHAT = 64
"""Tokens that a chat template may add by itself (the longest of the zoo's adds 30); more is learned from `usage`."""
PER_MESSAGE = 16
"""Tokens around each turn."""
PER_IMAGE = 2048
"""Tokens that a small picture may become (85 to 1,601 in the models of today); more is learned from `usage`."""


@dataclass
class WorstCase:
    """One token for each byte of the prompt, as a tokenizer that falls back to bytes has it, and the frame around it.

    What an endpoint adds by itself (a hidden system prompt, answers longer than asked for) can't be known beforehand;
    the first answer that shows it raises the estimate for all that follow.
    """

    hidden: int = 0
    overrun: int = 0

    def of(self, request: Mapping[str, Any]) -> tuple[int, int]:
        """Prompt and completion tokens at most."""
        return _prompt_bound(request) + self.hidden, _completion_bound(request) + self.overrun

    def learn(self, request: Mapping[str, Any], prompt_tokens: int | None, completion_tokens: int | None) -> None:
        """Take in what a request really cost."""
        self.hidden = max(self.hidden, (prompt_tokens or 0) - _prompt_bound(request))
        self.overrun = max(self.overrun, (completion_tokens or 0) - _completion_bound(request))


def _prompt_bound(request: Mapping[str, Any]) -> int:
    if "prompt" in request:
        return PER_REQUEST + len(str(request["prompt"]).encode("utf-8", "replace"))
    turns = [_content_bound(turn["content"]) + PER_MESSAGE for turn in request.get("messages", ())]
    return PER_REQUEST + PER_CHAT + sum(turns)


def _content_bound(content: str | list[dict[str, Any]]) -> int:
    if isinstance(content, str):
        return len(content.encode("utf-8", "replace"))
    return sum(_content_bound(part["text"]) if part["type"] == "text" else PER_IMAGE for part in content)


def _completion_bound(request: Mapping[str, Any]) -> int:
    tokens = request.get("max_tokens", request.get("max_completion_tokens", 0))
    return int(tokens)
