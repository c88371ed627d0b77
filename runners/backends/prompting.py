"""From a canary to the token ids that a local model is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probes.canary import Canary, Message
from probes.errors import CandidateError

FALLBACK_CHAT_TEMPLATE = (
    "{{ bos_token if bos_token else '' }}{% for message in messages %}"
    "{{ message['role'] | capitalize }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""A plain transcript, for models that come without a chat template of their own."""


@dataclass(frozen=True)
class PromptEncoder:
    """Encodes canaries with a model's own tokenizer and chat template.

    A system prompt stands before every canary, as a deployment would put it: as the system message of a chat,
    and as a paragraph before a plain text.
    """

    tokenizer: Any
    system_prompt: str | None = None
    chat_template: str | None = None

    def encode(self, canary: Canary) -> list[int]:
        """Token ids of the prompt, begin-of-text included where the tokenizer asks for it."""
        if canary.messages is None:
            text = canary.text if self.system_prompt is None else f"{self.system_prompt}\n\n{canary.text}"
            return list(self.tokenizer(text).input_ids)
        rendered, _ = self._render(self._with_system(canary.messages))
        return list(self.tokenizer(rendered, add_special_tokens=False).input_ids)

    def turns(self, canary: Canary) -> list[dict[str, str]]:
        """The turns of a chat as its template takes them: what an engine that renders by itself is given."""
        _, turns = self._render(self._with_system(canary.messages or ()))
        return turns

    @property
    def template(self) -> str:
        """The chat template: the one given, else the model's own, else a plain transcript."""
        return str(self.chat_template or self.tokenizer.chat_template or FALLBACK_CHAT_TEMPLATE)

    def _with_system(self, messages: Sequence[Message]) -> Sequence[Message]:
        if self.system_prompt is None:
            return messages
        return [Message("system", self.system_prompt), *(m for m in messages if m.role != "system")]

    def _render(self, messages: Sequence[Message]) -> tuple[str, list[dict[str, str]]]:
        from jinja2 import TemplateError

        for turns in (messages, _without_system_turn(messages)):
            try:
                given = [{"role": turn.role, "content": turn.content} for turn in turns]
                text: str = self.tokenizer.apply_chat_template(
                    given,
                    chat_template=self.template,
                    tokenize=False,
                    add_generation_prompt=True,
                )
            except TemplateError as error:
                failure = error  # some templates refuse a system turn: then it goes into the first user turn
            else:
                return text, given
        raise CandidateError(f"the model's chat template can't render a plain chat: {failure}") from failure


def _without_system_turn(messages: Sequence[Message]) -> list[Message]:
    instructions = "\n".join(turn.content for turn in messages if turn.role == "system")
    turns = [turn for turn in messages if turn.role != "system"]
    if not instructions or not turns:
        return turns
    return [Message(turns[0].role, f"{instructions}\n\n{turns[0].content}"), *turns[1:]]
