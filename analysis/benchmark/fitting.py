"""Learning kinship from a whole library, with the reliability that lineages held out show."""

import platform
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import sklearn

from analysis.attribution.conformal import LEVEL, ConformalSets
from analysis.attribution.rules import Rules, without_tokenizer
from analysis.benchmark.calibration import calibration_measures, truths
from analysis.benchmark.compared import Compared
from analysis.benchmark.family import FamilyTest, PairScores, Subset, Trials
from analysis.benchmark.ours import coefficients_of, weights_of
from analysis.benchmark.pair_features import Places
from analysis.benchmark.rare_cases import ERASED, SHARED_TOKENIZERS
from analysis.benchmark.specimens import Seen, Specimen
from analysis.benchmark.splits import canary_subsets
from analysis.descent.likeliest import SHOWN
from analysis.kinship.beside_rivals import counted_with
from analysis.kinship.fitted import Fit, FittedKinship, LinearKinship
from analysis.kinship.partial_coefficients import NAME as PARTIAL_COEFFICIENT
from analysis.kinship.shared_weights import NAME as SHARED_WEIGHTS
from analysis.libraries.library import REFERENCES
from analysis.one_thread import one_thread
from analysis.signatures.observation import Access
from analysis.verdict import kinprint_version
from probes.errors import LibraryError

BUDGETS = (8, 16, 32, 64, 128, 256)
ACCESSES = (
    Access("logits"),
    Access("topk", top_k=20, named=True),
    Access("topk", top_k=5, named=True),
    Access("text", draws=4),
    Access("text", draws=1),
    Access("text"),
)
CHANNELS = (Rules().channels, without_tokenizer(Rules().channels))
_SEEDS = 3
Step = Callable[[str], object]


@one_thread()
def fit_all(
    specimens: Sequence[Specimen],
    version: str,
    step: Step = lambda said: None,
    accesses: Sequence[Access] = ACCESSES,
    budgets: Sequence[int] = BUDGETS,
) -> FittedKinship:
    """Fit on these models each of the `accesses` that references were recorded with, with each choice of channels and
    each number of canaries in `budgets`.

    Raises LibraryError if no family has two models, or there are no two families.
    """
    rules, fits = Rules(), []
    readable = [one for one in accesses if any(x.kind in REFERENCES and x.readable_at(one) for x in specimens)]
    for access in readable or accesses[-1:]:
        fits += _fits_at(Seen.at(access, specimens), budgets, rules, step)
    return FittedKinship(
        fits=tuple(fits),
        lineages=tuple(sorted({one.lineage for one in specimens})),
        families=tuple(sorted({one.family for one in specimens})),
        library=version,
        unknown_prior=rules.unknown_prior,
        doubt=rules.doubt,
        shared_tokenizers=SHARED_TOKENIZERS,
        erased=ERASED,
        made_by={
            "kinprint": kinprint_version(),
            "scikit-learn": sklearn.__version__,
            "python": platform.python_version(),
        },
    )


def _fits_at(seen: Seen, budgets: Sequence[int], rules: Rules, step: Step) -> list[Fit]:
    """At one access, with each choice of channels."""
    subsets = canary_subsets(len(seen.signatures[0].canaries), budgets, _SEEDS)
    subsets = {subset: places for subset, places in subsets.items() if len(places) == subset[0]}
    counted = {"": None, SHARED_WEIGHTS: weights_of(seen, subsets)}
    counted[PARTIAL_COEFFICIENT] = coefficients_of(seen, subsets) if seen.access.top_k >= SHOWN else None
    shows = "all" if seen.access.tier == "logits" else str(seen.access.top_k or seen.access.draws)
    fed, fits = {name for one in seen.signatures for name in one.channels}, list[Fit]()
    choices = dict.fromkeys(tuple(name for name in channels if name in fed) for channels in CHANNELS)
    for channels, (name, scores) in product(choices, counted.items()):
        if scores is not None or not name:
            step(f"{seen.access.tier} ({shows}), {len(channels)} channels {name}".rstrip())
            fits += _fits(seen, channels, (name, scores), subsets, rules)
    return fits


def _fits(
    seen: Seen,
    channels: tuple[str, ...],
    beside: tuple[str, PairScores | None],
    subsets: dict[Subset, Places],
    rules: Rules,
) -> list[Fit]:
    """With these channels and what stands `beside` them, by its name, which is empty where nothing does."""
    name, scores = beside
    compared = Compared.of(seen.signatures, seen.recorded, channels)
    test = FamilyTest(seen.candidates, seen.references, compared, subsets, rules, scores)
    trials, learned = test.run_unknown(trials=test.run_known()), list(test.fitted_on_all())
    if not learned:
        raise LibraryError(
            "kinship can't be learned: the library needs two families, one of them with two models, and 8 prompts"
        )
    found = []
    named = (*channels, *counted_with(channels, seen.access.tier, seen.recorded), *((name,) if name else ()))
    for budget in sorted({size for size, _ in subsets}):
        kinships = [kinship for (size, _), kinship in learned if size == budget]
        found.append(_fit(seen, named, budget, trials, kinships, rules))
    return found


def _fit(
    seen: Seen, channels: tuple[str, ...], budget: int, trials: Trials, kinships: list[LinearKinship], rules: Rules
) -> Fit:
    families = np.unique([seen.candidates[place].family for place in seen.references]).tolist()
    measured = calibration_measures(trials, seen.candidates, families, seen.access.tier, [budget], rules.unknown_prior)
    said = truths(trials, seen.candidates, families, budget)
    try:
        sets = ConformalSets.calibrated(said, LEVEL)
    except LibraryError:
        sets = None
    return Fit(
        tier=seen.access.tier,
        seen=seen.access.top_k or seen.access.draws,
        canaries=budget,
        channels=channels,
        slopes=tuple(round(float(one), 5) for one in np.mean([kinship.slopes for kinship in kinships], axis=0)),
        intercept=round(float(np.mean([kinship.intercept for kinship in kinships])), 5),
        lineages=len(said),
        reliability={one.name: round(one.figure.value, 5) for one in measured if one.figure is not None},
        level=LEVEL,
        most=None if sets is None else round(sets.most, 6),
    )
