"""From what was found to how the run is done, and to the lines that tell the user what it costs in certainty."""

from collections.abc import Iterator

from probes.manifest import Tier
from runners.api.found import Found
from runners.backends.interface import Terms


def terms_of(found: Found, asked: Tier, top_k: int, continuation: str, captures: bool = False) -> Terms:
    """The terms of a run: the best tier that can be had, never higher than the one asked for.

    `captures`: the server is our own, and captures the logits of the whole vocabulary beside its answers.
    """
    tier = asked if captures and asked == "logits" else found.tier(asked)
    granted = min(top_k, found.text_route.logprobs) if tier == "topk" else 0
    access = {
        **found.as_access(),
        "asked_tier": asked,
        "logprobs": granted,
        "vocabulary": tier == "logits",
        "continuation": None if found.completions.works else continuation,
    }
    draws = found.sampling_varies is not False
    notes = (_summary(found, granted), *_costs(found, asked, tier, granted, top_k))
    return Terms(tier, granted or top_k, draws, access, notes)


def _summary(found: Found, granted: int) -> str:
    routes = " and ".join(
        name for name, route in (("completions", found.completions), ("chat", found.chat)) if route.works
    )
    parts = [
        f"the endpoint answers {routes}",
        f"{granted} logprobs" if granted else "no logprobs used" if found.text_route.logprobs else "no logprobs",
        "token counts" if found.usage else "no token counts",
        {True: "temperature 0 repeats itself", False: "temperature 0 does NOT repeat itself"}.get(
            found.greedy_repeats,
            "temperature 0 could not be checked",  # type: ignore[arg-type]
        ),
    ]
    if found.reasoning:
        parts.append("it reasons before it answers")
    return ", ".join(parts)


def _costs(found: Found, asked: Tier, tier: Tier, granted: int, top_k: int) -> Iterator[str]:
    """One line for each thing that changes what a verdict can rest on, or what the run costs."""
    if tier != asked:
        wanted = {"logits": "the whole vocabulary's logits", "topk": f"{top_k} logprobs", "text": "text"}[asked]
        cost = (
            f"the {granted} likeliest tokens are all that is seen of each distribution"
            if tier == "topk"
            else "distributions are estimated from a few sampled answers, so a verdict is less certain"
        )
        yield f"asked for tier {asked} ({wanted}), recording at tier {tier}: {cost} (docs/access.md)"
    elif tier == "topk" and granted < top_k:
        yield f"{granted} logprobs came back where {top_k} were asked for: less is seen of each distribution"
    if found.chosen_tokens is not None:
        if tier != "topk" or "name" not in found.chosen_tokens:
            yield f"no logits of chosen tokens: {found.chosen_tokens['found']}; all else is recorded"
        else:
            width = found.chosen_tokens["width"]
            yield f"{found.chosen_tokens['found']}: the logits of chosen tokens are asked {width} at a time"
    if found.sampling_varies is False and tier == "text":
        yield (
            "sampling at a temperature changes nothing (the endpoint ignores it, or caches): only greedy answers are "
            "asked, and the next-token channel has nothing to go by"
        )
    if found.greedy_repeats is False:
        yield "greedy answers differ between identical requests: the greedy channel says less"
    if not found.completions.works:
        yield (
            "plain text has to be asked through chat, with an instruction to continue it, which the references were "
            "not; suite=chat asks chats alone, and all of them count"
        )
    if found.model_returned is not None and found.model_returned != found.model_asked:
        yield f"asked for {found.model_asked!r}, the endpoint says it served {found.model_returned!r}"
