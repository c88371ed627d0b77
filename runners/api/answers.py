"""From a raw exchange to the row of a recording: every fault becomes a status with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from probes.answer import TAKES_NO_IMAGES, Answer
from probes.manifest import Tier
from runners.api.exchange import Exchange
from runners.api.token_logprobs import LogprobsError, Position, positions
from runners.backends.interface import Request

_FILTER = ("content_filter", "content_policy", "moderation", "safety")
_NOT_TAKEN = (400, 404, 415, 422)
"""What endpoints say to a request that they understand and will not serve, as with an image for a model of text."""
_THINK_END = b"</think>"


def read_answer(
    request: Request,
    exchange: Exchange,
    tier: Tier,
    top_k: int,
    model_returned: str | None,
    vocabulary: Sequence[bytes] = (),
) -> Answer:
    """The answer that an exchange holds. `model_returned` is the model's name as the endpoint gave it at the start.

    `vocabulary` spells the tokens of an endpoint that names them by their ids.
    """
    last = exchange.last
    blank = Answer(
        request.canary.id,
        request.draw,
        "error",
        error=exchange.failure,
        latency_ms=None if last is None else last.latency_ms,
        asked_at=None if last is None else last.asked_at,
    )
    if last is None or exchange.failure is not None:
        filtered = last is not None and last.status in (400, 403) and any(word in (last.body or "") for word in _FILTER)
        if filtered:
            return replace(blank, status="refused")
        # The negotiation has found this way to ask, without an image, to work.
        seen = request.canary.image is not None and last is not None and last.status in _NOT_TAKEN
        return replace(blank, status=TAKES_NO_IMAGES, error=f"the endpoint says {blank.error}") if seen else blank
    body = last.parsed() or {}
    choice = first_choice(body)
    if choice is None:
        return replace(blank, error=f"the answer holds no choice ({_said(body)})")
    answer = _read_choice(blank, choice, body)
    name = body.get("model")
    if answer.status == "ok" and model_returned is not None and isinstance(name, str) and name != model_returned:
        return replace(
            answer, status="error", error=f"the model's name changed from {model_returned!r} to {name[:100]!r}"
        )
    return _with_logprobs(answer, choice, top_k, vocabulary) if tier == "topk" and request.greedy else answer


def first_choice(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The one answer asked for, or None."""
    choices = body.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None


def text_of(choice: Mapping[str, Any]) -> str | None:
    """The text of an answer as it came, its thoughts in tags included; None where it has none."""
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    if isinstance(text, list):  # parts, as some endpoints send them
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    # Lone surrogates can't be kept as UTF-8.
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else None


def reasoning_of(choice: Mapping[str, Any]) -> str | None:
    """Thoughts that came beside the answer, where the endpoint separates them."""
    message = choice.get("message")
    thoughts = [message.get(name) for name in ("reasoning_content", "reasoning")] if isinstance(message, dict) else []
    return next((thought for thought in thoughts if isinstance(thought, str) and thought), None)


def _read_choice(blank: Answer, choice: Mapping[str, Any], body: Mapping[str, Any]) -> Answer:
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    message = choice.get("message")
    refusal = message.get("refusal") if isinstance(message, dict) else None
    text, reason = text_of(choice), choice.get("finish_reason")
    answer = replace(
        blank,
        status="ok",
        error=None,
        text=text,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        finish_reason=reason if isinstance(reason, str) else None,
    )
    if reason == "content_filter" or (isinstance(refusal, str) and refusal):
        return replace(answer, status="refused", error=str(refusal or "the endpoint filtered the answer")[:200])
    if text is None or not text.strip():
        why = "its tokens went into reasoning" if reasoning_of(choice) else "the answer holds no text"
        return replace(answer, status="empty", error=why, text=text or "")
    return answer


def _with_logprobs(answer: Answer, choice: Mapping[str, Any], top_k: int, vocabulary: Sequence[bytes]) -> Answer:
    """Add the alternatives of the first token of the visible answer; an answer without them is `no_logprobs`."""
    if answer.status not in ("ok", "empty"):
        return answer
    try:
        given = positions(choice, vocabulary)
    except LogprobsError as error:
        return replace(answer, status="error", error=str(error))
    visible = after_thoughts(given, choice)
    if not visible or not visible[0].top:
        if answer.status == "empty":
            return answer
        why = "the answer came without logprobs" if not given else "no logprobs of the answer's first token came back"
        return replace(answer, status="no_logprobs", error=why)
    top = visible[0].top[:top_k]
    known, ids = [position.spelled for position in visible], [position.token.id for position in visible]
    return replace(
        answer,
        # An answer that ends at once is one, where its logprobs show the token that ended it.
        status="ok",
        error=None,
        token_bytes=None if None in known else tuple(spelled for spelled in known if spelled is not None),
        token_ids=None if None in ids else tuple(number for number in ids if number is not None),
        topk_ids=None if any(one.id is None for one in top) else tuple(one.id for one in top if one.id is not None),
        topk_bytes=tuple(one.spelled for one in top),
        topk_logprobs=tuple(one.logprob for one in top),
    )


def after_thoughts(given: Sequence[Position], choice: Mapping[str, Any]) -> Sequence[Position]:
    """The positions of the visible answer: all of them where there are no thoughts, none where it can't be told."""
    spelled = b"".join(position.spelled or b"" for position in given)
    if not spelled.lstrip().startswith(b"<think>") and _THINK_END not in spelled:
        # Thoughts that came beside the answer: the logprobs may be theirs.
        hidden = reasoning_of(choice) is not None
        shown = (text_of(choice) or "").encode().strip()[:16]
        return () if hidden and not spelled.strip().startswith(shown or b"\0") else given
    written = b""
    for place, position in enumerate(given):
        written += position.spelled or b""
        if _THINK_END in written and written.rpartition(_THINK_END)[2].strip():
            return given[place:]
    return ()


def _said(body: Mapping[str, Any]) -> str:
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(message or f"keys: {', '.join(sorted(body)[:8])}").split())[:200]


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
