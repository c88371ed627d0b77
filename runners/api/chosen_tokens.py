"""The logits of named tokens through an API that shows only the likeliest: asked for by id, or lifted into view.

Two ways. vLLM's servers take `logprob_token_ids` and return those tokens' logprobs. Elsewhere a large `logit_bias` on
a few tokens makes them the likeliest; where the returned logprobs honour the bias, their differences are the logits'
own. A request shows few tokens, so every request shares some of them (anchors), by which the pieces are joined.
Which way works is found out by asking, since endpoints ignore what they don't know.
"""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from runners.api.answers import first_choice
from runners.api.found import Route
from runners.api.payloads import Payloads, logprobs
from runners.api.sender import Sender
from runners.api.token_logprobs import NEVER, spell

Ask = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]]
"""Asks one prompt for one token, with these settings besides; gives the choice that came back, or None."""
MOST_BY_ID = 128
"""vLLM's limit of `logprob_token_ids` in a request."""
BIASES = (100.0, 30.0, 10.0)
ANCHORS = 2
_TOLERANCE = 0.1  # nats; servers compute in low precision, and round


@dataclass(frozen=True)
class Way:
    """How an endpoint gives named tokens: `width` of them a request. The manifest keeps it."""

    name: Literal["logprob_token_ids", "logit_bias"]
    width: int
    bias: float = 0.0

    def as_access(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return asdict(self)


def asking(sender: Sender, payloads: Payloads, route: Route, prompt: Any, name: str) -> Ask:
    """Ask a prompt along a route that gives logprobs; the raw exchanges are kept under `name`, numbered in order."""
    numbers = count()

    async def ask(settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
        body = payloads.body(route, prompt, 1) | logprobs(route.path, route.ask_logprobs) | dict(settings)
        body |= {"temperature": 0.0} if route.temperature else {}
        exchange = await sender.exchange((f"{name}\0chosen", next(numbers)), route.path, body)
        if exchange.failure is not None or exchange.last is None:
            return None
        return first_choice(exchange.last.parsed() or {})

    return ask


async def find_way(ask: Ask, tokens: Mapping[int, bytes], route: Route) -> Way | None:
    """How this endpoint gives named tokens, `tokens` by id with their bytes; None if it does not.

    A bias counts as honoured if the tokens come into view, and lowering it on one of them lowers that one as much.
    """
    ids = list(tokens)
    some = ids[: ANCHORS + 1]
    if set(some) <= (await _by_id(ask, tokens, some)).keys():
        return Way("logprob_token_ids", MOST_BY_ID)
    if route.logprobs <= ANCHORS or len(some) < 2:
        return None
    for bias in BIASES:
        level = await _biased(ask, tokens, dict.fromkeys(some, bias))
        tilted = await _biased(ask, tokens, dict.fromkeys(some, bias) | {some[0]: bias - 1})
        if not set(some) <= level.keys() & tilted.keys():
            continue
        changes = [(level[some[0]] - level[one]) - (tilted[some[0]] - tilted[one]) for one in some[1:]]
        if all(abs(change - 1) <= _TOLERANCE for change in changes):
            return Way("logit_bias", route.logprobs, bias)
    return None


async def relative_logits(ask: Ask, tokens: Mapping[int, bytes], way: Way) -> npt.NDArray[np.float64]:
    """Logits [n_tokens] of the named tokens up to a constant of the prompt; NaN where one did not come back.

    By id they are logprobs; through a bias they are relative to the mean of the first tokens, the anchors.
    """
    ids, found = list(tokens), {}
    if way.name == "logprob_token_ids":
        for start in range(0, len(ids), way.width):
            found |= await _by_id(ask, tokens, ids[start : start + way.width])
        return np.array([found.get(one, math.nan) for one in ids])
    anchors, others, step = ids[:ANCHORS], ids[ANCHORS:], way.width - ANCHORS
    for start in range(0, max(len(others), 1), step):
        group = [*anchors, *others[start : start + step]]
        seen = await _biased(ask, tokens, dict.fromkeys(group, way.bias))
        if set(anchors) <= seen.keys():
            base = sum(seen[one] for one in anchors) / len(anchors)
            found |= {one: seen[one] - base for one in group if one in seen and one not in found}
    return np.array([found.get(one, math.nan) for one in ids])


async def _by_id(ask: Ask, tokens: Mapping[int, bytes], ids: Sequence[int]) -> dict[int, float]:
    return _named(await ask({"logprob_token_ids": list(ids)}), {one: tokens[one] for one in ids})


async def _biased(ask: Ask, tokens: Mapping[int, bytes], bias: Mapping[int, float]) -> dict[int, float]:
    choice = await ask({"logit_bias": {str(one): value for one, value in bias.items()}})
    return _named(choice, {one: tokens[one] for one in bias})


def _named(choice: Mapping[str, Any] | None, tokens: Mapping[int, bytes]) -> dict[int, float]:
    """The logprobs of the first generated token that came back for these tokens, by id.

    A spelling that two of the tokens share, or that came back twice, names neither.
    """
    spellings = list(tokens.values())
    by_bytes = {spelled: one for one, spelled in tokens.items() if spellings.count(spelled) == 1}
    found: dict[int, list[float]] = {}
    for name, spelled, value in _first_token(choice or {}):
        number = name.removeprefix("token_id:")
        one = int(number) if number != name and number.isdecimal() else by_bytes.get(spelled or b"\0")
        if one in tokens and isinstance(value, int | float) and NEVER < value < math.inf:
            found.setdefault(one, []).append(float(value))
    return {one: values[0] for one, values in found.items() if len({*values}) == 1}


def _first_token(choice: Mapping[str, Any]) -> list[tuple[str, bytes | None, Any]]:
    """Name, bytes and logprob of each alternative of the first token, as chats and as completions send them."""
    given = choice.get("logprobs")
    given = given if isinstance(given, dict) else {}
    content, tops = given.get("content"), given.get("top_logprobs")
    if isinstance(content, list) and content and isinstance(content[0], dict):
        listed = [one for one in content[0].get("top_logprobs") or [] if isinstance(one, dict)]
        return [(str(one.get("token")), _bytes(one), one.get("logprob")) for one in listed]
    if isinstance(tops, list) and tops and isinstance(tops[0], dict):
        return [(str(name), spell(str(name)), value) for name, value in tops[0].items()]
    return []


def _bytes(entry: Mapping[str, Any]) -> bytes | None:
    given = entry.get("bytes")
    if isinstance(given, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in given):
        return bytes(given)
    return spell(str(entry.get("token")))
