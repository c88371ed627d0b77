"""The chance of a family verdict: how the library's own models would have been judged, had they been candidates.

Lineages are left out one at a time (analysis.benchmark.family), what is fitted sees nothing of them, and the posterior
is turned into a decision as `kinprint attribute` does. Once the candidate's family stands in the library, once it was
taken out and `unknown` is the truth.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.attribution.decision import decision_of
from analysis.attribution.posterior import UNKNOWN
from analysis.attribution.rules import Rules, without_tokenizer
from analysis.benchmark.compared import Compared
from analysis.benchmark.family import FamilyTest, Subset
from analysis.benchmark.intervals import Figure
from analysis.benchmark.measures import figure, over_seeds
from analysis.benchmark.ours import in_common
from analysis.benchmark.specimens import Seen
from analysis.kinship.beside_rivals import counted_with
from analysis.kinship.fitted import FittedKinship, LinearKinship
from analysis.kinship.partial_coefficients import name_at
from analysis.power.asked import Asked, Cost

KNOWN = ("right", "wrong", "unknown", "inconclusive")
"""Outcomes where the candidate's family stands in the library: its own is named, another one, none, or nothing said."""
LEFT_OUT = ("unknown", "accused", "inconclusive")
"""Outcomes where it does not: rightly none, wrongly one, or nothing said."""
Begin = Callable[[str, int], Callable[[], object]]


@dataclass(frozen=True)
class FamilyChances:
    """At one budget, the chance of each outcome; nothing where nobody could be judged, and then `why_not`."""

    budget: int
    cost: Cost
    known: Mapping[str, Figure] = field(default_factory=dict)
    left_out: Mapping[str, Figure] = field(default_factory=dict)
    why_not: str = ""

    @property
    def possible(self) -> bool:
        """Whether a right verdict has any chance."""
        said = [self.known.get("right"), self.left_out.get("unknown")]
        return any(one is not None and one.value > 0 for one in said)


Learned = tuple[dict[Subset, LinearKinship], bool]
"""Kinship for each subset, and whether what logits have in common counts in it."""


def learned_beforehand(rules: Rules, seen: Seen, subsets: Sequence[Subset]) -> Learned | None:
    """What `attribute` would use for subsets of canaries; None where it would learn from the library for one."""
    if rules.kinship is None:
        return None
    fitted = FittedKinship.load(rules.kinship)
    last = name_at(seen.access)
    common = () if last is None or last in rules.switched_off else ((last,),)
    for counted in (*common, ()):
        channels = (*rules.channels, *counted_with(rules.channels, seen.access.tier, seen.recorded), *counted)
        fits = {subset: fitted.at(seen.access, subset[0], channels) for subset in subsets}
        found = {subset: fit.kinship for subset, fit in fits.items() if fit is not None}
        if len(found) == len(fits):
            return found, bool(counted)
    return None


def family_chances(asked: Asked, rules: Rules, begin: Begin) -> list[FamilyChances]:
    """At every budget. `begin(what, total)` gives a function to be called at every step of what takes long."""
    seen, subsets = asked.seen, asked.subsets
    shown = {name for one in seen.signatures for name in one.channels}
    rules = replace(rules, channels=tuple(name for name in rules.channels if name in shown))
    learned = learned_beforehand(rules, seen, [one for one in subsets if one[0] >= rules.min_canaries])
    given, counted = learned or (None, False)
    channels = rules.channels if given or rules.kinship is None else without_tokenizer(rules.channels)
    compared = Compared.of(seen.signatures, seen.recorded, channels, begin("comparing", len(channels)))
    tested = {subset: places for subset, places in subsets.items() if given is None or subset in given}
    shared = in_common(seen, tested) if counted else None
    test = FamilyTest(seen.candidates, seen.references, compared, tested, rules, shared, False, given)
    step = begin("leaving lineages out", test.rounds)
    known, left_out = test.run_known(step).posterior, test.run_unknown(step).posterior_left_out
    labels = [*sorted({seen.candidates[place].family for place in seen.references}), UNKNOWN]
    truths = {place: one.family for place, one in enumerate(seen.candidates)}
    found = []
    for budget in asked.budgets:
        cost = asked.cost(budget)
        if budget < rules.min_canaries:
            why = f"{budget} canaries are fewer than the {rules.min_canaries} that a verdict takes"
            found.append(FamilyChances(budget, cost, why_not=why))
        elif not any(subset[0] == budget for subset in (*known, *left_out)):
            why = "with a lineage left out, the library has too few families to learn from what kinship looks like"
            found.append(FamilyChances(budget, cost, why_not=why))
        else:
            sides = [(known, KNOWN, truths), (left_out, LEFT_OUT, dict.fromkeys(truths, UNKNOWN))]
            here, gone = (_shares(asked, budget, *side, labels, rules) for side in sides)
            found.append(FamilyChances(budget, cost, here, gone))
    return found


def _shares(
    asked: Asked,
    budget: int,
    posteriors: Mapping[Subset, Mapping[int, np.ndarray]],
    outcomes: tuple[str, ...],
    truths: Mapping[int, str],
    labels: list[str],
    rules: Rules,
) -> dict[str, Figure]:
    said = {
        subset: {
            place: outcome_of(dict(zip(labels, posterior.tolist(), strict=True)), truths[place], rules)
            for place, posterior in models.items()
        }
        for subset, models in posteriors.items()
        if subset[0] == budget
    }
    shares = {}
    for outcome in outcomes:
        hits = {
            subset: {place: float(one == outcome) for place, one in models.items()} for subset, models in said.items()
        }
        share = figure(over_seeds(hits, budget), asked.seen.candidates)
        if share is not None:
            shares[outcome] = share
    return shares


def outcome_of(posterior: Mapping[str, float], truth: str, rules: Rules) -> str:
    """One of `KNOWN`, or one of `LEFT_OUT` where the truth is `unknown`."""
    decision, family, _ = decision_of(posterior, rules)
    if decision != "attributed":
        return decision
    if truth == UNKNOWN:
        return "accused"
    return "right" if family == truth else "wrong"
