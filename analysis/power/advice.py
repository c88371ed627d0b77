"""A plan in words: how likely a verdict is, the smallest budget at which it is, and what would help."""

from collections.abc import Mapping, Sequence

from analysis.benchmark.intervals import Figure
from analysis.power.asked import Asked, Way
from analysis.power.descent import DescentChances
from analysis.power.family import FamilyChances
from analysis.report.hostile import visible

LIKELY = 0.9
"""A verdict that comes out this often or more."""
_SENTENCE = 500  # characters


def family_advice(asked: Asked, chances: Sequence[FamilyChances]) -> str:
    """One sentence or two: what the budget gives, and the smallest at which a verdict is likely."""
    here = next(one for one in chances if one.budget == asked.budget)
    if not any(one.possible for one in chances):
        return f"no budget makes a family verdict possible: {chances[-1].why_not or 'no model was attributed rightly'}"
    if not here.possible:
        first = f"{_canaries(here.budget)} can't give a verdict: {here.why_not or 'no model was attributed rightly'}"
    else:
        first = f"at {_canaries(here.budget)} ({_queries(here)})"
        known, left_out = here.known, here.left_out
        if known:
            first += (
                f" {_percent(known['right'])} of candidates of a known family get the right one and "
                f"{_percent(known['wrong'])} a wrong one ({_counted(known['right'])})"
            )
        if left_out:
            first += (
                f"{', and' if known else ''} of candidates of a family that the library lacks "
                f"{_percent(left_out['unknown'])} are called unknown and {_percent(left_out['accused'])} are accused "
                f"of one ({_counted(left_out['unknown'])})"
            )
    likely = [one.budget for one in chances if "right" in one.known and one.known["right"].value >= LIKELY]
    return f"{first}; {_fewest(likely, chances[-1].budget, 'candidates of a known family get the right one')}"


def descent_advice(asked: Asked, chances: Sequence[DescentChances], elsewhere: Mapping[Way, bool]) -> str:
    """One sentence or two: whether a decision is possible, how likely, and what else would decide."""
    here = next(one for one in chances if one.budget == asked.budget)
    if not any(one.possible for one in chances):
        return f"no budget makes this decidable: {_why(chances[-1])}{_elsewhere(elsewhere)}"
    if not here.possible:
        first = f"{_canaries(here.budget)} can't decide: {_why(here)}"
    else:
        decidable = sum(one.decidable for one in here.parents)
        first = (
            f"at {_canaries(here.budget)} ({_queries(here)}) {decidable} of {len(here.parents)} parents can be decided"
        )
        if here.recalled is None:
            first += ", and how often can't be said: with a lineage held out the library has too few to decide"
        else:
            first += f", and {_percent(here.recalled)} of true descendants are recalled ({_counted(here.recalled)})"
        if here.accused is not None:
            first += f"; of innocents {_percent(here.accused)} are accused ({_counted(here.accused)})"
    likely = [one.budget for one in chances if one.recalled is not None and one.recalled.value >= LIKELY]
    measured = any(one.recalled is not None for one in chances)
    return first + (f"; {_fewest(likely, chances[-1].budget, 'true descendants are recalled')}" if measured else "")


def _why(chances: DescentChances) -> str:
    """The reason of the parent that comes nearest to a decision."""
    nearest = max(chances.parents, key=lambda one: one.controls)
    others = len({one.reason for one in chances.parents}) > 1
    return visible(nearest.reason, _SENTENCE) + " (and other parents for reasons of their own)" * others


def _elsewhere(elsewhere: Mapping[Way, bool]) -> str:
    would = [way for way, decides in elsewhere.items() if decides]
    if would:
        return f"; {' or '.join(f'tier={tier}' for tier in would)} would, with this library"
    wouldn_t = [f"tier={way}" for way in elsewhere]
    return f"; nor would {' or '.join(wouldn_t)}, with this library" if wouldn_t else ""


def _fewest(likely: Sequence[int], most: int, what: str) -> str:
    if likely:
        return f"{likely[0]} is the smallest budget at which at least {100 * LIKELY:.0f}% of {what}"
    return f"there is no budget up to {most} at which {100 * LIKELY:.0f}% of {what}"


def _canaries(budget: int) -> str:
    return f"{budget} canar{'y' if budget == 1 else 'ies'}"


def _queries(chances: FamilyChances | DescentChances) -> str:
    cost = chances.cost
    return f"{cost.queries} queries, about {cost.prompt_tokens + cost.completion_tokens} tokens"


def _counted(figure: Figure) -> str:
    return f"{figure.n} lineage{'' if figure.n == 1 else 's'}"


def _percent(figure: Figure) -> str:
    return f"{100 * figure.value:.0f}% [{100 * figure.low:.0f}, {100 * figure.high:.0f}]"
