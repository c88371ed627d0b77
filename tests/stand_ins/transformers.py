"""Stands in for transformers where only a tokenizer is read, which would take many seconds to import."""

from types import SimpleNamespace
from typing import Any


class AutoConfig:
    @staticmethod
    def from_pretrained(model: str, **_: Any) -> Any:
        return SimpleNamespace(get_text_config=lambda: SimpleNamespace(vocab_size=3))


class AutoTokenizer:
    all_special_ids: tuple[int, ...] = ()
    added_tokens_decoder: dict[int, Any] = {}  # noqa: RUF012

    @classmethod
    def from_pretrained(cls, model: str, **_: Any) -> Any:
        return cls()

    def get_vocab(self) -> dict[str, int]:
        return {"a": 0, "b": 1, "c": 2}

    def convert_tokens_to_ids(self, tokens: list[str]) -> list[int]:
        return [self.get_vocab()[token] for token in tokens]

    def decode(self, ids: list[int]) -> str:
        return "".join("abc"[number] for number in ids)
