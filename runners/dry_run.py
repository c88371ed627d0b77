"""What a run would cost at most, counted without asking anybody."""

from dataclasses import replace
from typing import Any

from probes.suite import Suite
from runners.api.found import CHAT, COMPLETIONS, Found, Route
from runners.api.negotiation import most_questions
from runners.api.payloads import Payloads
from runners.api.worst_case import WorstCase
from runners.backends.interface import Backend, RemoteBackend
from runners.budget import Limits
from runners.sampling import Sampling, plan


def estimated_cost(backend: Backend, suite: Suite, sampling: Sampling, limits: Limits) -> str:
    """Requests, tokens and price at most, retries apart, in lines for the user.

    Text tier is counted too where less than the tier asked for may turn out to be had.
    """
    remote = isinstance(backend, RemoteBackend)
    tiers = [sampling.tier, *(["text"] if remote and sampling.tier != "text" else [])]
    text: dict[str, Any] = {"tier": "text", "positions": "last"}
    rows = [_row(backend, suite, replace(sampling, **text) if tier == "text" else sampling, limits) for tier in tiers]
    lines = ["dry run: nothing is sent", "tier\trequests at most\ttokens at most\tprice at most", *rows]
    if remote:
        lines.append(
            "counted one token for each byte of a prompt, the finding out of what the endpoint allows included, "
            "retries and what an endpoint adds by itself (hidden prompts, reasoning) not"
        )
    return "\n".join(lines)


def _row(backend: Backend, suite: Suite, sampling: Sampling, limits: Limits) -> str:
    prompt, completion, requests = most(backend, suite, sampling)
    price = f"${limits.cost(prompt, completion):.4f}" if limits.priced else "no price given (budget.prompt_price, ...)"
    return f"{sampling.tier}\t{requests}\t{prompt + completion} ({prompt} + {completion})\t{price}"


def most(backend: Backend, suite: Suite, sampling: Sampling) -> tuple[int, int, int]:
    """Tokens of prompts and of answers, and requests, at most."""
    system_prompt = getattr(backend, "system_prompt", None)
    payloads = Payloads("", system_prompt, continuation=getattr(backend, "continuation", ""))
    costs = []
    for found in (Found(Route(CHAT), Route(COMPLETIONS)), Found(Route(CHAT), Route(COMPLETIONS, refused="assumed"))):
        requests = plan(suite, sampling, "")
        bodies = [payloads.of(request, found, 0)[1] for request in requests]
        bodies += most_questions(payloads, sampling.chooses) if isinstance(backend, RemoteBackend) else []
        for request in requests if (fewest := getattr(backend, "fewest_chosen", None)) else ():
            route, body = payloads.of(request, found, 0)
            if request.chosen:
                n_tokens = len(sampling.chosen_tokens) or sampling.position_tokens
                bodies += [{**body, route.limit: 1}] * -(-n_tokens // fewest)
        counted = [WorstCase().of(body) for body in bodies]
        costs.append((sum(prompt for prompt, _ in counted), sum(completion for _, completion in counted), len(bodies)))
    return max(costs)
