"""What an endpoint turned out to allow."""

from dataclasses import asdict, dataclass
from typing import Any

from probes.manifest import TIERS, Tier

CHAT, COMPLETIONS = "/chat/completions", "/completions"


@dataclass(frozen=True, slots=True)
class Route:
    """One way to ask, as it was found to work.

    `ask_logprobs` is the number to ask for (0: none), `logprobs` how many alternatives really came back.
    `limit` is the endpoint's name for the longest answer. `temperature` and `seed` say whether it takes them.
    """

    path: str
    ask_logprobs: int = 0
    logprobs: int = 0
    token_bytes: bool = False
    limit: str = "max_tokens"
    temperature: bool = True
    seed: bool = False
    refused: str | None = None

    @property
    def works(self) -> bool:
        """Whether it can be used at all; `refused` says why not."""
        return self.refused is None


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that the negotiation found. None is "could not be told".

    `chosen_tokens` says in words, under `found`, whether the logits of named tokens can be had, and if so the fields of
    `chosen_tokens.Way`; None where nobody wanted them.
    """

    chat: Route
    completions: Route
    echo: bool = False
    usage: bool = False
    greedy_repeats: bool | None = None
    sampling_varies: bool | None = None
    reasoning: bool = False
    model_asked: str = ""
    model_returned: str | None = None
    chosen_tokens: dict[str, Any] | None = None
    queries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def text_route(self) -> Route:
        """How plain text is asked: as a completion where that works, else through chat."""
        return self.completions if self.completions.works else self.chat

    @property
    def chat_route(self) -> Route:
        """How chats are asked: as chats where that works, else as a transcript to complete."""
        return self.chat if self.chat.works else self.completions

    def tier(self, asked: Tier) -> Tier:
        """The tier that can be had, never higher than the one asked for; the route of plain text, the bulk, decides."""
        best: Tier = "topk" if self.text_route.logprobs > 0 else "text"
        return max(asked, best, key=TIERS.index)

    def as_access(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        access = asdict(self)
        asked = {key: access.pop(key) for key in ("queries", "prompt_tokens", "completion_tokens", "chosen_tokens")}
        return {
            **access,
            "model_matches": None if self.model_returned is None else self.model_returned == self.model_asked,
            "negotiation": {key: value for key, value in asked.items() if value is not None},
        }

    @classmethod
    def from_access(cls, access: dict[str, Any]) -> "Found":
        """The inverse of `as_access`, after JSON."""
        values = {key: value for key, value in access.items() if key in cls.__dataclass_fields__}
        return cls(
            **{**values, "chat": Route(**access["chat"]), "completions": Route(**access["completions"])},
            **access["negotiation"],
        )
