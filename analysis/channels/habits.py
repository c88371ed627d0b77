"""Habits: what a model calls itself, what it refuses, how it dresses its answers. Shown, and never decisive.

Unrelated models repeat each other's names, and a student sounds like its teacher.
"""

import re
from collections.abc import Sequence

import numpy as np

from analysis.channels.interface import Arrays, Numbers, Unfed
from analysis.signatures.whole import Whole

_MAKERS = {
    "Alibaba (Qwen)": r"qwen|alibaba|tongyi|通义|阿里",
    "Anthropic (Claude)": r"anthropic|\bclaude\b",
    "DeepSeek": r"deepseek|深度求索",
    "Google (Gemma, Gemini)": r"\bgoogle\b|gemini|\bgemma",
    "Hugging Face (SmolLM)": r"hugging ?face|smollm",
    "Meta (Llama)": r"\bmeta(?: ai|'s)\b|\bllama[ -]?\d|\bmeta llama\b",
    "Mistral": r"\bmistral|mixtral",
    "Moonshot (Kimi)": r"moonshot|\bkimi\b|月之暗面",
    "OpenAI (ChatGPT)": r"openai|chat ?gpt|\bgpt-?[345]",
}
_REFUSAL = (
    r"^\W*(?:(?:i(?:'|’)m|i am) (?:very |so |truly )?sorry|sorry\b|i (?:can(?:'|’|no)t|can not|am unable|won(?:'|’)t)"
    r"|as an ai\b|抱歉|对不起|很抱歉|我无法)"
)
_FORMATS = {
    "begins with a heading": r"^\s*#{1,6} ",
    "begins with bold": r"^\s*\*\*",
    "begins with a list": r"^\s*(?:[-*•] |1[.)] )",
    "begins with a code block": r"^\s*```",
    "begins with a quotation mark": r"^\s*[\"“'‘]",
    "begins with Sure, Certainly or Of course": r"^\s*(?:sure|certainly|of course|absolutely|great)\b",
    "thinks aloud": r"^\s*<think",
}
HABITS = {
    **{f"names {maker}": pattern for maker, pattern in _MAKERS.items()},
    "refuses": _REFUSAL,
    **_FORMATS,
}
ASKED = {**dict.fromkeys((f"names {maker}" for maker in _MAKERS), "identity"), "refuses": "refusals"}
"""The kind of canary that asks for a habit: where a suite has it, the habit is read there alone (suite `habits`)."""


class Habits:
    """Names of makers, refusals and formats in the answers to chats."""

    name = "habits"
    rung = "habits"
    tokenizer_dependent = False

    def extract(self, whole: Whole) -> Arrays | Unfed:
        """`share` [len(HABITS)] of the answers to chats that show each habit, `answers` [len(HABITS)] how many were
        read for it, `chats` [1] how many there are.
        """
        seen = whole.observation
        answers: dict[str, list[str]] = {}
        for canary, texts in zip(seen.canaries, seen.texts, strict=True):
            if canary.messages is not None:
                answers.setdefault(canary.kind, []).extend(texts)
        everything = [text for texts in answers.values() for text in texts]
        if not everything:
            return Unfed("it has no answer in words to a chat")
        read = [answers.get(ASKED.get(habit, "")) or everything for habit in HABITS]
        patterns = [re.compile(pattern, re.IGNORECASE) for pattern in HABITS.values()]
        found = [
            [pattern.search(text) is not None for text in texts] for pattern, texts in zip(patterns, read, strict=True)
        ]
        return {
            "share": np.array([np.mean(one) for one in found]),
            "answers": np.array([len(one) for one in found]),
            "chats": np.array([len(everything)]),
        }

    def describe(self, candidate: Arrays) -> Numbers:
        """The share of answers with each habit that occurs, and the number of `answers`; beside it how many of them
        were to the question who it is, or to what it may refuse, where this was asked.
        """
        shares = {habit: float(share) for habit, share in zip(HABITS, candidate["share"], strict=True) if share > 0}
        chats, counts = float(candidate["chats"][0]), dict(zip(HABITS, candidate["answers"].tolist(), strict=True))
        asked = {f"answers ({kind})": float(counts[habit]) for habit, kind in ASKED.items() if counts[habit] < chats}
        return {"answers": chats, **asked, **shares}

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """Nothing: that two models share a habit says nothing about their descent."""
        return {}


CHANNEL = Habits()
