"""kinprint in the benchmark: all its measures at one tier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.benchmark.accusations import accusations
from analysis.benchmark.descent import NAMED_A_QUERY, DescentScores, Matrix, Places, subset_logits
from analysis.benchmark.family import FamilyTest, Subset, Trials
from analysis.benchmark.measures import Descent, Measure, descent_measures, family_measures
from analysis.benchmark.residuals import likeliest, residual_correlations, residual_scores
from analysis.benchmark.similarities import similarities
from analysis.benchmark.specimens import Seen
from analysis.benchmark.splits import canary_subsets
from analysis.rules import Rules, without_tokenizer

BUDGETS = (8, 16, 32, 64, 128, 256)
SEEDS = 3
Step = Callable[[], object]


@dataclass
class Ours:
    """What kinprint said at one tier.

    `descents` by the way of looking (`logits`, `topk_chosen`, `topk`) and budget; `settings` that peers chose.
    """

    seen: Seen
    subsets: dict[Subset, Places]
    trials: Trials
    measures: list[Measure]
    descents: dict[tuple[str, int], Descent] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


def measure_tier(seen: Seen, budgets: Sequence[int] = BUDGETS, seeds: int = SEEDS, step: Step = lambda: None) -> Ours:
    """Family and descent, at each budget that there are canaries for.

    The channels that decide don't depend on the tokenizer; what is measured with all others off is therefore the same,
    unless the rules name one that does.
    """
    n, rules = len(seen.signatures[0].canaries), Rules()
    budgets = [budget for budget in budgets if budget <= n]
    subsets = canary_subsets(n, budgets, seeds)
    trials = _families(seen, subsets, rules.channels, step)
    ours = Ours(seen, subsets, trials, family_measures(trials, seen.candidates, seen.access.tier, budgets))
    channels = without_tokenizer(rules.channels)
    off = trials if channels == rules.channels else _families(seen, subsets, channels, step)
    ours.measures += [
        Measure(f"{one.name}_without_tokenizer", one.tier, one.budget, one.figure, one.unit)
        for one in family_measures(off, seen.candidates, seen.access.tier, budgets)
        if one.name in ("family_accuracy", "unknown_rejected")
    ]
    _descents(ours, budgets, seeds, step)
    return ours


def _families(seen: Seen, subsets: dict[Subset, Places], channels: Sequence[str], step: Step) -> Trials:
    references = [seen.signatures[place] for place in seen.references]
    tensor = similarities(seen.signatures, references, channels, step)
    return FamilyTest(seen.candidates, seen.references, tensor, subsets).run(step)


def _descents(ours: Ours, budgets: Sequence[int], seeds: int, step: Step) -> None:
    for way, score in _ways(ours.seen).items():
        for budget in budgets:
            scores = [score(ours.subsets[budget, seed]) for seed in range(seeds)]
            said = [accusations(ours.seen.candidates, ours.seen.references, one) for one in scores]
            descent = Descent(said, scores)
            ours.descents[way, budget] = descent
            ours.measures += descent_measures(descent, ours.seen.candidates, ours.seen.references, way, budget)
            step()


def _ways(seen: Seen) -> dict[str, Callable[[Places], Matrix]]:
    """How descent can be looked at, at an access; at tier text in no way: it shows nothing that follows weights."""
    tier = seen.access.tier
    if tier == "text":
        return {}
    digests, models, references = seen.signatures[0].digests, seen.candidates, seen.references
    scores = DescentScores(models, references, [subset_logits(one, digests) for one in models])
    if tier == "logits":
        return {"logits": scores}
    known = [likeliest(one, digests) for one in models]
    correlations = residual_correlations(models, references, known, scores.same)
    return {
        "topk_chosen": lambda canaries: scores(canaries, NAMED_A_QUERY),
        "topk": lambda canaries: np.asarray(residual_scores(models, references, correlations, canaries)),
    }
