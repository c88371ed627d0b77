"""kinprint in the benchmark: all its measures at one access."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

from analysis.attribution.rules import Rules
from analysis.benchmark.accusations import accusations
from analysis.benchmark.calibration import calibration_measures
from analysis.benchmark.compared import Compared
from analysis.benchmark.family import FamilyTest, PairScores, Subset, Trials
from analysis.benchmark.measures import Descent, Measure, descent_measures, family_measures
from analysis.benchmark.specimens import Seen
from analysis.benchmark.splits import canary_subsets
from analysis.descent.aligned import NAMED, NAMED_A_QUERY, aligned_logits, common_tokens
from analysis.descent.likeliest import Likeliest, counts_at, likeliest
from analysis.descent.regression import TOP
from analysis.descent.residuals import ResidualScores
from analysis.descent.rivals import Matrix, Models, Places, same_vocabulary
from analysis.descent.scores import SpaceScores
from analysis.kinship.partial_coefficients import UNTOLD, besides_of
from analysis.kinship.shared_weights import as_evidence, rows_behind
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
    """What kinprint said at one access.

    `descents` by budget; by peer and budget, their scores of pairs in `peers` [n_models, n_references].
    """

    seen: Seen
    subsets: dict[Subset, Places]
    trials: Trials
    measures: list[Measure]
    descents: dict[int, Descent] = field(default_factory=dict)
    peers: dict[tuple[str, int], Matrix] = field(default_factory=dict)


def measure_tier(seen: Seen, budgets: Sequence[int] = BUDGETS, seeds: int = SEEDS, step: Step = lambda: None) -> Ours:
    """Family and descent, at each budget that there are canaries for.

    `NAME_without_tokenizer` is measured on one draw of the canaries, without channels that depend on the tokenizer.
    """
    n, rules, tier = len(seen.signatures[0].canaries), Rules(), seen.access.name
    budgets = [budget for budget in budgets if budget <= n]
    subsets = canary_subsets(n, budgets, seeds)
    families = np.unique([seen.candidates[place].family for place in seen.references]).tolist()
    scores = _scores(seen, subsets, step)
    compared = Compared.of(seen.signatures, seen.recorded, CHANNELS, step)
    asked, shared = _asked(seen, subsets, scores)
    trials = FamilyTest(seen.candidates, seen.references, compared, asked, scores=shared).run(step)
    ours = Ours(seen, subsets, trials, family_measures(trials, seen.candidates, tier, budgets))
    ours.measures += calibration_measures(trials, seen.candidates, families, tier, budgets, rules.unknown_prior)
    first = {subset: canaries for subset, canaries in asked.items() if subset[1] == 0}
    off = FamilyTest(seen.candidates, seen.references, compared.but_tokenizer(), first, scores=shared).run(step)
    ours.measures += [
        Measure(f"{one.name}_without_tokenizer", one.tier, one.budget, one.figure, one.unit)
        for one in family_measures(off, seen.candidates, tier, budgets)
        if one.name in ("family_accuracy", "unknown_rejected")
    ]
    for budget in budgets if scores else ():
        _descent(ours, budget, [scores[budget, seed](EVERYBODY) for seed in range(seeds)])
    return ours


def _asked(
    seen: Seen, subsets: dict[Subset, Places], scores: Mapping[Subset, Scores]
) -> tuple[dict[Subset, Places], PairScores | None]:
    """On which canaries answers are looked at for so many queries, and what logits have in common then.

    Where tokens are named one half of the queries ask for answers, and the other half name tokens, after half as many
    prompts: `scores` of half a budget, all of which names tokens, are of those prompts. Of too few queries for that all
    ask for answers.
    """
    if not seen.access.named:
        return subsets, in_common(seen, subsets)
    halves = {(budget, seed): (budget // 2, seed) for budget, seed in subsets if (budget // 2, seed) in subsets}
    asked = {subset: subsets[halves.get(subset, subset)] for subset in subsets}
    nothing = _whoever_is_absent(np.zeros((len(seen.candidates), len(seen.references))))
    return asked, remembered({one: scores[halves[one]] if one in halves else nothing for one in subsets})


def _scores(seen: Seen, subsets: Mapping[Subset, Places], step: Step) -> dict[Subset, Scores]:
    """Of shared weights on every subset; nothing at tier text, which shows nothing that follows weights."""
    if seen.access.tier == "text":
        return {}
    canaries, models, logits = list(subsets.values()), models_of(seen), logits_of(seen)
    if seen.access.shows_logits:
        explained = SpaceScores(models, logits).on_each(canaries, NAMED_A_QUERY if seen.access.named else None)
        found: list[Scores] = [one.beyond_rivals for one in explained]
    else:
        known = likeliest_of(seen)
        residuals = ResidualScores(models, known, same_vocabulary(models, logits))
        found = [_whoever_is_absent(residuals(one)) for one in canaries]
    step()
    return dict(zip(subsets, found, strict=True))


def in_common(seen: Seen, subsets: Mapping[Subset, Places]) -> PairScores | None:
    """What `kinprint attribute` counts of logits beside the channels that follow answers: partial coefficients where
    the likeliest tokens are all that is shown, else shared weights. None where the access, or no reference, shows any.
    """
    return coefficients_of(seen, subsets) if counts_at(seen.access) else weights_of(seen, subsets)


def weights_of(seen: Seen, subsets: Mapping[Subset, Places]) -> PairScores | None:
    """Scores of shared weights, after every canary at tier logits, where tokens are named after as many as
    `analysis.kinship.shared_weights` says; None where the access, or no reference, shows logits."""
    if not seen.access.shows_logits:
        return None
    logits = logits_of(seen, None if seen.access.tier == "logits" else NAMED)
    if all(logits[place] is None for place in seen.references):
        return None
    rows = [canaries[: rows_behind(len(canaries), seen.access)] for canaries in subsets.values()]
    found = [one.beyond_rivals for one in SpaceScores(models_of(seen), logits).on_each(rows)]
    return remembered(dict(zip(subsets, found, strict=True)))


def coefficients_of(seen: Seen, subsets: Mapping[Subset, Places]) -> PairScores | None:
    """Partial coefficients of everybody's likeliest tokens; None where no reference shows them."""
    known = likeliest_of(seen)
    if all(known[place] is None for place in seen.references):
        return None
    besides = besides_of(models_of(seen), known, seen.signatures, seen.access.top_k or TOP)
    found = {
        subset: [None if one is None else one.on(canaries) for one in besides] for subset, canaries in subsets.items()
    }
    nothing = np.zeros(len(seen.references))

    def on(subset: Subset, absent: frozenset[str]) -> Matrix:
        return np.array([nothing if one is None else one(absent) for one in found[subset]])

    return PairScores(on, UNTOLD)


def likeliest_of(seen: Seen) -> list[Likeliest | None]:
    """Of everybody, all that recordings keep of the likeliest tokens, on the prompts of the signatures."""
    digests = [canary.digest for canary in seen.signatures[0].canaries]
    return [likeliest(one.recording, digests) for one in seen.candidates]


def remembered(scores: Mapping[Subset, Scores]) -> PairScores:
    """Each worked out once, since many folds ask for the same; as they count (`analysis.kinship.shared_weights`)."""
    return PairScores(cache(lambda subset, absent: as_evidence(scores[subset](absent))))


def _descent(ours: Ours, budget: int, scores: Sequence[Matrix]) -> None:
    models, references, way = ours.seen.candidates, ours.seen.references, ours.seen.access.name
    students = not ours.seen.access.shows_logits
    descent = Descent([accusations(models, references, one, needs_students=students) for one in scores], scores)
    ours.descents[budget] = descent
    ours.measures += descent_measures(descent, models, references, way, budget)


def _whoever_is_absent(scores: Matrix) -> Scores:
    """What counts for descent alone, for which everybody is there."""
    return lambda absent: scores


def logits_of(seen: Seen, first: int | None = NAMED) -> list[npt.NDArray[np.float32] | None]:
    """Everybody's logits after each prompt [n_canaries, n_tokens], of the tokens that all references hold: of the
    common ones the `first` so many, as the descent test looks at; None for all.
    """
    recordings = [one.recording for one in seen.candidates]
    chosen = [last_logits(one) for one in recordings]
    held = [one.tokens for place in seen.references if not isinstance(one := chosen[place], Unfed)]
    if not held:
        return [None] * len(recordings)
    return aligned_logits(chosen, recordings, common_tokens(held, first), seen.signatures[0].digests)


def models_of(seen: Seen) -> Models:
    """What scores of shared weights have to know of the models."""
    lineages = np.array([one.lineage for one in seen.candidates])
    return Models(lineages, [one.vocabulary for one in seen.candidates], seen.references)
