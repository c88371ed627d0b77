"""What of an answer's text is the answer: thoughts, chat wrappers and a repeated prompt are not.

Recordings keep the text as it came; it is read here, by rules that depend on nothing but the text and the prompt.
Thoughts are cut wherever they stand at the beginning, and so is the frame of an answer that was put into a field of a
JSON object, as some services have it. The other rules hold only where plain text was asked through
chat with an instruction to continue it (`continued`): there a model may say "Sure! Here is the continuation:" or
repeat the text before it goes on, and it hardly ever begins with a space, however the text ended.
"""

import re

_THOUGHTS = re.compile(r"\s*<(think|thinking|thought|reasoning)>.*?</\1>\s*", re.DOTALL | re.IGNORECASE)
_THINKING = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_COURTESY = (
    r"(?:sure|certainly|of course|absolutely|definitely|gladly|okay|ok|alright|got it|no problem|happy to help)"
    r"(?:\s+thing)?\s*[!,.:—–-]+\s*"
)
_ANNOUNCEMENT = (
    r"(?:here(?:'s|’s|\s+is|\s+are)|this\s+is|i(?:'ll|’ll|\s+will)\s+continue|the\s+continuation|continuing|continuation)"
    r"[^\n:]{0,120}(?::|\n)\s*"
)
_WRAPPER = re.compile(rf"\s*(?:{_COURTESY}(?:{_ANNOUNCEMENT})?|{_ANNOUNCEMENT})", re.IGNORECASE)
_UNFINISHED = re.compile(
    rf"\s*(?:{_COURTESY})?(?:here(?:'s|’s|\s+is|\s+are)|i(?:'ll|’ll|\s+will)\s+continue)[^\n:]{{0,120}}\Z",
    re.IGNORECASE,
)
_LEADERS = re.compile(r"(?:\.{3}|…)\s*")
_FIELD = re.compile(
    r"""\s*(?:```(?:json)?\s*)?\{\s*["']?(?:answer|response|reply|result|output|text|message|content)["']?\s*:\s*["']?""",
    re.IGNORECASE,
)
_SHORTEST_REPEAT = 8
"""Characters of a prompt's end that, repeated at the beginning of the answer, can't be chance."""


def visible(text: str, prompt: str | None = None, continued: bool = False) -> str | None:
    """The answer within a text; None where there is none (it broke off in its thoughts, or in its wrapper).

    `prompt` is the plain text that was to be continued, `continued` that it was asked through chat.

    >>> visible("<think>Hm.</think>Paris"), visible("<think>Hm"), visible(" Paris")
    ('Paris', None, ' Paris')
    >>> visible('{"answer": "Paris"}')
    'Paris"}'
    >>> visible("Sure! Here is the continuation: Paris.", "The capital of France is", continued=True)
    'Paris.'
    """
    answer = _THOUGHTS.sub("", text, count=1) if _THOUGHTS.match(text) else text
    if _THINKING.match(answer):
        return None
    if prompt is None and (field := _FIELD.match(answer)):
        answer = answer[field.end() :]
    if not continued or not answer.strip():
        return answer
    wrapper = _WRAPPER.match(answer)
    if _UNFINISHED.match(answer) and (wrapper is None or ":" not in wrapper[0]):
        return None
    rest = _LEADERS.sub("", answer[wrapper.end() if wrapper else 0 :].lstrip(), count=1)
    rest = _without_prompt(rest, prompt or "").lstrip()
    return rest or None


def _without_prompt(answer: str, prompt: str) -> str:
    """The answer without the end of the prompt, as much of it as the answer repeats at its beginning."""
    for start in range(len(prompt) - _SHORTEST_REPEAT + 1):
        if answer.startswith(prompt[start:]) and (start == 0 or prompt[start - 1].isspace()):
            return answer[len(prompt) - start :]
    return answer
