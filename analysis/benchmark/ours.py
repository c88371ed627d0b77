"""kinprint in the benchmark: all its measures at one tier."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

from analysis.attribution.rules import Rules
from analysis.benchmark.accusations import accusations
from analysis.benchmark.calibration import calibration_measures
from analysis.benchmark.compared import Compared
from analysis.benchmark.family import FamilyTest, Subset, Trials, Weights
from analysis.benchmark.measures import Descent, Measure, descent_measures, family_measures
from analysis.benchmark.specimens import Seen
from analysis.benchmark.splits import canary_subsets
from analysis.descent.aligned import NAMED_A_QUERY, aligned_logits, common_tokens
from analysis.descent.residuals import ResidualScores, likeliest
from analysis.descent.rivals import Matrix, Models, Places, same_vocabulary
from analysis.descent.scores import SpaceScores
from analysis.signatures.chosen_logits import last_logits
from analysis.signatures.unfed import Unfed

BUDGETS = (8, 16, 32, 64, 128, 256)
SEEDS = 3
CHANNELS = Rules().channels
"""With the tokenizer: the zoo holds families that share one, so that what sharing it is worth can be learned."""
Step = Callable[[], object]
Scores = Callable[[frozenset[str]], Matrix]
"""Of shared weights on some canaries [n_models, n_references], as if these lineages were not in the library."""
EVERYBODY: frozenset[str] = frozenset()
"""No lineage is absent."""


@dataclass
class Ours:
    """What kinprint said at one tier.

    `descents` by the way of looking (`logits`, `topk_chosen`, `topk`) and budget; by peer and budget, their scores of
    pairs in `peers` [n_models, n_references].
    """

    seen: Seen
    subsets: dict[Subset, Places]
    trials: Trials
    measures: list[Measure]
    descents: dict[tuple[str, int], Descent] = field(default_factory=dict)
    peers: dict[tuple[str, int], Matrix] = field(default_factory=dict)


def measure_tier(seen: Seen, budgets: Sequence[int] = BUDGETS, seeds: int = SEEDS, step: Step = lambda: None) -> Ours:
    """Family and descent, at each budget that there are canaries for.

    `NAME_without_tokenizer` is measured on one draw of the canaries, without channels that depend on the tokenizer.
    """
    n, rules = len(seen.signatures[0].canaries), Rules()
    budgets = [budget for budget in budgets if budget <= n]
    subsets = canary_subsets(n, budgets, seeds)
    families = np.unique([seen.candidates[place].family for place in seen.references]).tolist()
    scores = _scores(seen, subsets, step)
    compared = Compared.of(seen.signatures, seen.recorded, CHANNELS, step)
    weights = remembered(scores.get("logits"))  # as `kinprint attribute` counts them: where all logits are seen
    trials = FamilyTest(seen.candidates, seen.references, compared, subsets, weights=weights).run(step)
    ours = Ours(seen, subsets, trials, family_measures(trials, seen.candidates, seen.access.tier, budgets))
    ours.measures += calibration_measures(
        trials, seen.candidates, families, seen.access.tier, budgets, rules.unknown_prior
    )
    first = {subset: canaries for subset, canaries in subsets.items() if subset[1] == 0}
    off = FamilyTest(seen.candidates, seen.references, compared.but_tokenizer(), first, weights=weights).run(step)
    ours.measures += [
        Measure(f"{one.name}_without_tokenizer", one.tier, one.budget, one.figure, one.unit)
        for one in family_measures(off, seen.candidates, seen.access.tier, budgets)
        if one.name in ("family_accuracy", "unknown_rejected")
    ]
    for way, by_subset in scores.items():
        for budget in budgets:
            _descent(ours, way, budget, [by_subset[budget, seed](EVERYBODY) for seed in range(seeds)])
    return ours


def _scores(seen: Seen, subsets: Mapping[Subset, Places], step: Step) -> dict[str, dict[Subset, Scores]]:
    """Of shared weights, in every way that the access has, on every subset."""
    found: dict[str, dict[Subset, Scores]] = {}
    for way, score in _ways(seen).items():
        found[way] = dict(zip(subsets, score(list(subsets.values())), strict=True))
        step()
    return found


def weights_of(seen: Seen, subsets: Mapping[Subset, Places]) -> Weights | None:
    """Scores of shared weights as `kinprint attribute` counts them: at tier logits, else None."""
    if seen.access.tier != "logits":
        return None
    found = _ways(seen)["logits"](list(subsets.values()))
    return remembered(dict(zip(subsets, found, strict=True)))


def remembered(scores: Mapping[Subset, Scores] | None) -> Weights | None:
    """Each worked out once, since many folds ask for the same; nothing below 0 (`analysis.kinship.shared_weights`)."""
    return None if scores is None else cache(lambda subset, absent: np.maximum(scores[subset](absent), 0))


def _descent(ours: Ours, way: str, budget: int, scores: Sequence[Matrix]) -> None:
    models, references = ours.seen.candidates, ours.seen.references
    descent = Descent([accusations(models, references, one, needs_students=way == "topk") for one in scores], scores)
    ours.descents[way, budget] = descent
    ours.measures += descent_measures(descent, models, references, way, budget)


def _ways(seen: Seen) -> dict[str, Callable[[Sequence[Places]], list[Scores]]]:
    """How descent can be looked at, at an access, on some sets of canaries.

    At tier text in no way: it shows nothing that follows weights.
    """
    tier = seen.access.tier
    if tier == "text":
        return {}
    digests, recordings = seen.signatures[0].digests, [one.recording for one in seen.candidates]
    models = models_of(seen)
    logits = logits_of(seen)
    scores = SpaceScores(models, logits)
    if tier == "logits":
        return {"logits": lambda subsets: [one.beyond_rivals for one in scores.on_each(subsets)]}
    known = [likeliest(one, digests) for one in recordings]
    residuals = ResidualScores(models, known, same_vocabulary(models, logits))
    return {
        "topk_chosen": lambda subsets: [one.beyond_rivals for one in scores.on_each(subsets, NAMED_A_QUERY)],
        "topk": lambda subsets: [_whoever_is_absent(residuals(canaries)) for canaries in subsets],
    }


def _whoever_is_absent(scores: Matrix) -> Scores:
    """What counts for descent alone, for which everybody is there."""
    return lambda absent: scores


def logits_of(seen: Seen) -> list[npt.NDArray[np.float32] | None]:
    """Everybody's logits of the tokens that all references hold, after each prompt: [n_canaries, n_tokens]."""
    recordings = [one.recording for one in seen.candidates]
    chosen = [last_logits(one) for one in recordings]
    held = [one.tokens for place in seen.references if not isinstance(one := chosen[place], Unfed)]
    if not held:
        return [None] * len(recordings)
    return aligned_logits(chosen, recordings, common_tokens(held), seen.signatures[0].digests)


def models_of(seen: Seen) -> Models:
    """What scores of shared weights have to know of the models."""
    lineages = np.array([one.lineage for one in seen.candidates])
    return Models(lineages, [one.vocabulary for one in seen.candidates], seen.references)
