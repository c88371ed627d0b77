"""The logprobs of the first token, in the forms in which people keep them."""

import math
from typing import Any

from runners.imports.row import check_text, is_number, is_whole

_ROUNDING = 0.01  # by how much rounded logprobs may sum above 1
TopK = tuple[tuple[bytes, float], ...]


def first_token(logprobs: Any) -> TopK | None:
    """The alternatives for the first token as (spelling, nats), likeliest first; None where nothing was given.

    Understood are `[{token, logprob, bytes?}, ...]`; OpenAI's chat form `{content: [{top_logprobs: [...]}, ...]}`, or
    its list alone; and the older form of completions `{top_logprobs: [{token: logprob, ...}, ...]}`.
    Raises ValueError on anything else, on NaN, and on probabilities that sum above 1.
    """
    alternatives = _alternatives(logprobs)
    if not alternatives:
        return None
    pairs = [_pair(one) for one in alternatives]
    kept = sorted((pair for pair in pairs if pair[1] > -math.inf), key=lambda pair: -pair[1])
    total = sum(math.exp(nats) for _, nats in kept)
    if total > 1 + _ROUNDING:
        raise ValueError(f"'logprobs' are not alternatives for one token: their probabilities sum to {total:.2f}")
    return tuple(kept) or None


def _alternatives(logprobs: Any) -> list[Any]:
    if isinstance(logprobs, dict):
        logprobs = logprobs.get("content") or logprobs.get("top_logprobs")
        if isinstance(logprobs, list) and logprobs and _names_tokens(logprobs[0]):
            return [{"token": token, "logprob": nats} for token, nats in logprobs[0].items()]
    if logprobs is None:
        return []
    if not isinstance(logprobs, list):
        raise ValueError(f"'logprobs' must be a list; it is {type(logprobs).__name__}")
    if logprobs and isinstance(logprobs[0], dict) and "top_logprobs" in logprobs[0]:
        return _alternatives(logprobs[0]["top_logprobs"] or logprobs[:1])
    return logprobs


def _names_tokens(position: Any) -> bool:
    return isinstance(position, dict) and "token" not in position and "top_logprobs" not in position


def _pair(one: Any) -> tuple[bytes, float]:
    if not isinstance(one, dict):
        raise ValueError("'logprobs' must hold objects with 'token' and 'logprob'")
    nats = one.get("logprob")
    if nats == -math.inf:
        return b"", -math.inf
    if not is_number(nats) or nats > _ROUNDING:
        raise ValueError(f"a logprob must be a number up to 0; it is {nats!r}")
    spelled = one.get("bytes")
    if isinstance(spelled, list) and all(is_whole(byte) and 0 <= byte < 256 for byte in spelled):
        return bytes(spelled), min(float(nats), 0.0)
    check_text("token", one.get("token"), blank=True)
    return str(one["token"]).encode(), min(float(nats), 0.0)
