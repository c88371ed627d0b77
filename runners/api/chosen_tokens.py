"""The logits of named tokens through an API that shows only the likeliest: asked for by id, or lifted into view.

Two ways. vLLM's servers take `logprob_token_ids` and return those tokens' logprobs. Elsewhere a large `logit_bias` on
a few tokens makes them the likeliest; where the returned logprobs honour the bias, their differences are the logits'
own. A request shows few tokens, so every request shares some of them (anchors), by which the pieces are joined.
Which way works is found out by asking, since endpoints ignore what they don't know.
"""

import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from runners.api.answers import first_choice
from runners.api.exchange import CHOSEN, Exchange
from runners.api.found import Route
from runners.api.payloads import Payloads, logprobs
from runners.api.sender import Sender
from runners.api.token_logprobs import NEVER, spell

Ask = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any] | str]]
"""Asks one prompt for one token, with these settings besides; gives the choice that came back, or why there is none."""
Send = Callable[[str, dict[str, Any]], Awaitable[Exchange]]
"""Sends a body along a path."""
MOST_BY_ID = 128
"""vLLM's limit of `logprob_token_ids` in a request."""
FEWEST = 5
"""Logprobs a request that piecing together needs: with fewer, nearly all that is asked are anchors."""
BIASES = (100.0, 30.0, 10.0)
ANCHORS = 2
MOST_QUESTIONS = 2 + 2 * len(BIASES)
"""What finding the way takes at most."""
_TOLERANCE = 0.1  # nats; servers compute in low precision, and round
_PLAIN = re.compile(rb"[A-Za-z]+")


@dataclass(frozen=True)
class Way:
    """How an endpoint gives named tokens: `width` of them a request."""

    name: Literal["logprob_token_ids", "logit_bias"]
    width: int
    bias: float = 0.0


def asking(send: Send, payloads: Payloads, route: Route, prompt: Any) -> Ask:
    """Ask a prompt along a route that gives logprobs."""

    async def ask(settings: Mapping[str, Any]) -> Mapping[str, Any] | str:
        body = payloads.body(route, prompt, 1) | logprobs(route.path, route.ask_logprobs) | dict(settings)
        body |= {"temperature": 0.0} if route.temperature else {}
        exchange = await send(route.path, body)
        if exchange.failure is not None or exchange.last is None:
            return exchange.failure or "not asked"
        return first_choice(exchange.last.parsed() or {}) or "the answer holds no choice"

    return ask


def asking_beside(sender: Sender, payloads: Payloads, route: Route, prompt: Any, canary_id: str) -> Ask:
    """Ask a canary's prompt once more; the raw exchanges are kept beside its answer, numbered in order."""
    numbers = count()

    async def send(path: str, body: dict[str, Any]) -> Exchange:
        return await sender.exchange((canary_id + CHOSEN, next(numbers)), path, body)

    return asking(send, payloads, route, prompt)


async def find_way(ask: Ask, tokens: Mapping[int, bytes], shown: int) -> tuple[Way | None, str]:
    """How an endpoint that shows so many logprobs gives named tokens, `tokens` by id with their bytes; and in words,
    what was found. A bias counts as honoured if the tokens come into view, and lowering it on one of them lowers that
    one as much.
    """
    some = _plain_first(tokens)[: ANCHORS + 1]
    if shown < FEWEST or len(some) <= ANCHORS:
        return None, f"{shown} logprobs a request and {len(tokens)} tokens are too few to piece logits together"
    plain = await ask({})
    by_id = await ask({"logprob_token_ids": some})
    if {*some} <= _named(by_id, tokens, some).keys() and not _alike(by_id, plain):
        return Way("logprob_token_ids", MOST_BY_ID), "logprob_token_ids gives the logprobs of named tokens"
    whys = []
    for bias in BIASES:
        lifted = await ask(_biased(dict.fromkeys(some, bias)))
        level = _named(lifted, tokens, some)
        if {*some} <= level.keys():
            tilted = _named(await ask(_biased(dict.fromkeys(some, bias) | {some[0]: bias - 1})), tokens, some)
            changes = [level[some[0]] - level[one] - tilted[some[0]] + tilted[one] for one in some if one in tilted]
            if len(changes) == len(some) and all(abs(change - 1) <= _TOLERANCE for change in changes[1:]):
                return Way("logit_bias", shown, bias), f"the returned logprobs honour a logit_bias of {bias:g}"
        whys.append(_why_not(lifted, plain, level))
    if not isinstance(by_id, str) and not _alike(by_id, plain):
        whys = ["logprob_token_ids gives other tokens than those meant: backend.tokenizer is not the endpoint's"]
    return None, whys[0]


def _why_not(lifted: Mapping[str, Any] | str, plain: Mapping[str, Any] | str, level: Mapping[int, float]) -> str:
    if isinstance(lifted, str):
        return f"a logit_bias is refused ({lifted})"
    if _alike(lifted, plain):
        return "a logit_bias does not show in the returned logprobs"
    if not level:
        return "a logit_bias brings other tokens into view than those meant: backend.tokenizer is not the endpoint's"
    return "a logit_bias changes the returned logprobs by something else than itself"


async def relative_logits(ask: Ask, tokens: Mapping[int, bytes], way: Way) -> npt.NDArray[np.float64]:
    """Logits [n_tokens] of the named tokens up to a constant of the prompt; NaN where one did not come back.

    By id they are logprobs; through a bias they are relative to the mean of the anchors.
    """
    found: dict[int, float] = {}
    if way.name == "logprob_token_ids":
        ids = list(tokens)
        for start in range(0, len(ids), way.width):
            some = ids[start : start + way.width]
            found |= _named(await ask({"logprob_token_ids": some}), tokens, some)
        return np.array([found.get(one, math.nan) for one in ids])
    ordered, step = _plain_first(tokens), way.width - ANCHORS
    anchors, others = ordered[:ANCHORS], ordered[ANCHORS:]
    for start in range(0, len(others), step):
        group = [*anchors, *others[start : start + step]]
        seen = _named(await ask(_biased(dict.fromkeys(group, way.bias))), tokens, group)
        if {*anchors} <= seen.keys():
            base = sum(seen[one] for one in anchors) / len(anchors)
            found |= {one: seen[one] - base for one in group if one in seen and one not in found}
    return np.array([found.get(one, math.nan) for one in tokens])


def _biased(bias: Mapping[int, float]) -> dict[str, Any]:
    return {"logit_bias": {str(one): value for one, value in bias.items()}}


def _plain_first(tokens: Mapping[int, bytes]) -> list[int]:
    """Ids, those first whose spelling every endpoint writes alike: letters, no space, no piece of a character."""
    return sorted(tokens, key=lambda one: not _PLAIN.fullmatch(tokens[one]))


def _alike(*choices: Mapping[str, Any] | str) -> bool:
    """Whether two choices show mostly the same tokens: noise may change the last of them."""
    one, other = ({name for name, _, _ in _first_token(c)} if not isinstance(c, str) else set() for c in choices)
    return 2 * len(one & other) > max(len(one), len(other))


def _named(choice: Mapping[str, Any] | str, tokens: Mapping[int, bytes], ids: Sequence[int]) -> dict[int, float]:
    """The logprobs of the first generated token that came back for these ids.

    A spelling that two of them share, or that came back twice, names neither.
    """
    if isinstance(choice, str):
        return {}
    spellings = [tokens[one] for one in ids]
    by_bytes = {tokens[one]: one for one in ids if spellings.count(tokens[one]) == 1}
    found: dict[int, list[float]] = {}
    for name, spelled, value in _first_token(choice):
        number = name.removeprefix("token_id:")
        one = int(number) if number != name and number.isdecimal() else by_bytes.get(spelled or b"\0")
        if one in ids and isinstance(value, int | float) and NEVER < value < math.inf:
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
