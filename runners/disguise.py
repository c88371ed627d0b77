"""What a service can put around a model that it serves as it is: text around every prompt, another model's rewording.

It stands here to be probed. A disguised backend is asked like the one behind it; the canary keeps its name, so that the
recording says what was asked of the service, not what the service made of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Any, Self

from probes.answer import Answer
from probes.canary import Canary, Message
from probes.errors import KinprintError
from probes.manifest import Tier
from runners.backends.interface import Backend, Logits, Request
from runners.backends.local_model import served_name

PASSAGE = "{passage}"
_REWORD = "Rewrite the following text in your own words. Keep its meaning and its length.\n\n{answer}"
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True)
class Wrapper:
    """Text before and after every prompt: examples, instructions to reason, or passages that were looked up.

    `prefix` may hold `{passage}`, which becomes the one of `passages` that shares the most words with the prompt.
    In a chat they go around the last turn.
    """

    prefix: str = ""
    suffix: str = ""
    passages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (PASSAGE in self.prefix) != bool(self.passages):
            raise KinprintError("a wrapper that looks up passages needs both: passages, and {passage} in its prefix")

    def around(self, canary: Canary) -> Canary:
        """The canary as the model behind gets it."""
        if canary.messages is None:
            return replace(canary, text=self._wrapped(canary.text or ""))
        *before, last = canary.messages
        return replace(canary, messages=(*before, Message(last.role, self._wrapped(last.content))))

    def _wrapped(self, prompt: str) -> str:
        prefix = self.prefix
        if self.passages:
            asked = _words(prompt)
            prefix = prefix.replace(PASSAGE, max(self.passages, key=lambda passage: len(asked & _words(passage))))
        return f"{prefix}{prompt}{self.suffix}"


@dataclass
class Disguised:
    """A backend behind a wrapper, whose answers another backend rewords if there is one (tier `text` alone)."""

    behind: Backend
    wrapper: Wrapper | None = None
    rewording: Backend | None = None

    def __post_init__(self) -> None:
        self.disguise: dict[str, Any] = {}
        if self.wrapper is not None:
            self.disguise["wrapper"] = {**asdict(self.wrapper), "passages": list(self.wrapper.passages)}
        if self.rewording is not None:
            self.disguise["paraphrase"] = served_name(str(getattr(self.rewording, "model", self.rewording.name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["behind"], name)

    def __enter__(self) -> Self:
        self._running: Backend = self.behind
        self.behind.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, trace)

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        """Answer as the service would. Raises KinprintError if answers are reworded at a tier that shows logprobs."""
        if self.rewording is not None and tier != "text":
            raise KinprintError(f"reworded answers show no logprobs; ask for tier=text, not {tier}")
        wrapper = self.wrapper or Wrapper()
        answered = self.behind.ask([replace(one, canary=wrapper.around(one.canary)) for one in requests], tier, top_k)
        return answered if self.rewording is None else self._reworded(self.rewording, requests, answered)

    def _reworded(
        self, rewording: Backend, requests: Sequence[Request], answered: Iterator[tuple[Answer, Logits | None]]
    ) -> Iterator[tuple[Answer, Logits | None]]:
        """One engine after the other, since two don't go together in a process."""
        answers = {answer.key: answer for answer, _ in answered}
        self.behind.__exit__(None, None, None)
        rewording.__enter__()
        self._running = rewording
        said = [one for one in requests if answers[one.canary.id, one.draw].text]
        yield from rewording.ask([_rewording(one, answers[one.canary.id, one.draw]) for one in said], "text", 1)
        yield from ((answer, None) for answer in answers.values() if not answer.text)


def _rewording(request: Request, answer: Answer) -> Request:
    chat = (Message("user", _REWORD.format(answer=answer.text)),)
    return replace(request, canary=replace(request.canary, text=None, messages=chat, image=None))


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}
