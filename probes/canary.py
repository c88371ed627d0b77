"""A canary: one prompt with its settings, and why it is asked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from probes.errors import SuiteError
from probes.picture import Picture


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Canary:
    """One prompt: either plain `text` to continue, or chat `messages` to answer.

    `max_tokens` bounds the answer, in the candidate's own tokens. `draws` is how many answers are sampled
    where no token distribution can be had (tier `text`), beside the greedy one. An `image` stands before the words of
    the last turn of a chat, which must be the user's.
    Raises SuiteError if the canary could not be asked as it stands.
    """

    id: str
    kind: str
    text: str | None
    messages: tuple[Message, ...] | None
    max_tokens: int
    draws: int
    why: str
    source: str
    image: Picture | None = None

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise SuiteError("a canary has an empty id; give every canary an id of its own")
        if (self.text is None) == (self.messages is None):
            raise SuiteError(f"canary {self.id!r} needs either 'text' or 'messages', and not both")
        if not (self.text or "".join(message.content for message in self.messages or ())).strip():
            raise SuiteError(f"canary {self.id!r} has an empty prompt; write one or delete the line")
        if self.max_tokens < 1 or self.draws < 1:
            raise SuiteError(
                f"canary {self.id!r} has max_tokens={self.max_tokens} and draws={self.draws}; both must be at least 1"
            )

        if self.image is not None and (self.messages is None or self.messages[-1].role != "user"):
            raise SuiteError(f"canary {self.id!r} has an image, which needs 'messages' that end with the user's turn")

    @property
    def digest(self) -> str:
        """16 hex digits that name the prompt itself: equal for equal prompts, whatever their ids and settings."""
        prompt: Any = self.text if self.text is not None else [(m.role, m.content) for m in self.messages or ()]
        if self.image is not None:
            prompt = [prompt, self.image.sha256]
        return hashlib.sha256(json.dumps(prompt, ensure_ascii=True).encode()).hexdigest()[:16]

    @property
    def number(self) -> int:
        """The digest as a number of 63 bits, for arrays."""
        return int(self.digest, 16) >> 1

    def row(self) -> dict[str, Any]:
        """The canary as it stands in a suite's file; what has no image says nothing of one."""
        values = asdict(self)
        del values["image"]
        return values if self.image is None else {**values, "image": self.image.base64}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Canary":
        """The inverse of `row`."""
        turns, image = row["messages"], row.get("image")
        messages = None if turns is None else tuple(Message(turn["role"], turn["content"]) for turn in turns)
        picture = None if image is None else Picture.of_base64(image, row["id"])
        return cls(**{**row, "messages": messages, "image": picture})
