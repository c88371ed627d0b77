"""Figures of the peers, and each beside ours on the same models and queries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from analysis.baselines import all_baselines
from analysis.baselines.interface import Baseline, Scores
from analysis.baselines.outputs import Outputs
from analysis.benchmark.compared import Compared
from analysis.benchmark.family import FamilyTest, PairScores, Subset
from analysis.benchmark.intervals import Figure, paired, significantly_behind
from analysis.benchmark.measures import ByModel, Measure, area, figure, true_and_false
from analysis.benchmark.ours import Ours
from analysis.benchmark.peers import PeerTest, PeerTrials, outputs_at, possible, settings_said
from analysis.benchmark.specimens import Specimen
from probes.errors import LibraryError

SEED = 0
"""Of the canaries' draws: peers are asked once a budget, and set beside what we said on the same canaries."""
LOSSES_AT = (16, 64)
"""Budgets at which peers have a log loss: for that our own calibration is fitted on top of their scores."""
MOST_EMBEDDED = 64
"""Canaries whose answers are embedded: encoding them takes longer than all else together."""
Embed = Callable[[Sequence[Outputs]], Sequence[Outputs]]


def measure_peers(
    ours: Ours, embed: Embed | None = None, step: Callable[[str], object] = lambda name: None
) -> tuple[list[Measure], dict[str, str]]:
    """All peers at the tier of `ours`, and which settings were chosen, by peer. `embed` None: without embeddings."""
    outputs, measures, settings = outputs_at(ours.seen), [], {}
    for name, baseline in all_baselines().items():
        seen, budgets = outputs, [budget for budget, seed in ours.subsets if seed == SEED]
        if name == "templates" and embed is not None:
            budgets = [budget for budget in budgets if budget <= MOST_EMBEDDED]
            seen = _embedded(outputs, ours, max(budgets, default=0), embed)
        if possible(baseline, ours.seen, seen):
            found, chosen = _measure(baseline, seen, ours, budgets)
            measures += found
            settings[name] = chosen
        step(name)
    return measures, settings


def _embedded(outputs: Sequence[Outputs], ours: Ours, budget: int, embed: Embed) -> list[Outputs]:
    """Embeddings of the answers to the canaries of one draw, NaN for all others."""
    canaries = ours.subsets[budget, SEED]
    found = []
    for model, some in zip(outputs, embed([one.take(canaries) for one in outputs]), strict=True):
        if some.embeddings is None:
            return list(outputs)
        whole = np.full((len(model.digests), some.embeddings.shape[1]), np.nan, np.float32)
        whole[canaries] = some.embeddings
        found.append(replace(model, embeddings=whole))
    return found


def _measure(
    baseline: Baseline, outputs: Sequence[Outputs], ours: Ours, budgets: Sequence[int]
) -> tuple[list[Measure], str]:
    subsets = {subset: canaries for subset, canaries in ours.subsets.items() if subset[1] == SEED}
    subsets = {subset: canaries for subset, canaries in subsets.items() if subset[0] in budgets}
    test = PeerTest(baseline, ours.seen.candidates, ours.seen.references, outputs, subsets)
    found: list[Measure] = []
    near: dict[Subset, Scores] = {}
    settings: list[Baseline] = []
    for budget in budgets:
        try:
            trials = test.run((budget, SEED))
        except LibraryError:
            continue  # too few lineages to choose a setting from
        settings += trials.settings
        if budget in LOSSES_AT:
            near[budget, SEED] = trials.near
        ours.peers[baseline.name, budget] = trials.scores
        found += _at_budget(f"peer_{baseline.name}", trials, ours, budget)
    return found + _log_losses(f"peer_{baseline.name}", near, ours), settings_said(settings)


def _log_losses(peer: str, near: Mapping[Subset, Scores], ours: Ours) -> list[Measure]:
    """What a peer's scores are worth as probabilities: our own calibration on top of them, fold by fold as ours."""
    models, references, tier = ours.seen.candidates, ours.seen.references, ours.seen.access.name
    subsets = {subset: ours.subsets[subset] for subset in near}
    known = {subset: _filled(scores) for subset, scores in near.items()}
    nothing = Compared.of(ours.seen.signatures, [ours.seen.signatures[place] for place in references], ())
    test = FamilyTest(models, references, nothing, subsets, scores=PairScores(lambda subset, absent: known[subset]))
    loss = test.run_known().loss if near else {}
    found = []
    for (budget, seed), theirs in loss.items():
        mine = ours.trials.loss.get((budget, seed), {})
        difference = beside(theirs, mine, models)
        found += [
            Measure(f"{peer}/log_loss", tier, budget, figure(theirs, models, share=False), "nats"),
            Measure(f"{peer}/log_loss_difference", tier, budget, difference, "difference"),
        ]
        if difference is not None:
            ahead = float(difference.value > 0)
            found.append(Measure(f"{peer}/ahead", tier, budget, Figure(ahead, ahead, ahead, difference.n), "yes or no"))
    return found


def _filled(scores: Scores) -> Scores:
    """What can't be compared is as far apart as anything is."""
    finite = np.isfinite(scores)
    return np.where(finite, scores, scores[finite].min() if finite.any() else 0.0)


def _at_budget(peer: str, trials: PeerTrials, ours: Ours, budget: int) -> list[Measure]:
    models, tier = ours.seen.candidates, ours.seen.access.name
    recalled = _descendants(trials.accused.recalled, models)
    far = [{place: -value for place, value in near.items()} for near in (trials.near_left_out, trials.near_known)]
    true_false = true_and_false(models, ours.seen.references, trials.scores)
    found = [
        Measure(f"{peer}/family_accuracy", tier, budget, figure(trials.hit, models)),
        Measure(f"{peer}/unknown_auc", tier, budget, area(far[0], far[1], models), "area"),
        Measure(f"{peer}/descendant_recall", tier, budget, figure(recalled, models)),
        Measure(f"{peer}/innocents_accused", tier, budget, figure(trials.accused.accused, models)),
        Measure(f"{peer}/descent_auc", tier, budget, area(*true_false, models), "area"),
    ]
    differences = {  # peers name the nearest whatever it is, so `unknown` is no answer of ours here
        "family_accuracy": beside(ours.trials.named.get((budget, SEED), {}), trials.hit, models),
        "unknown_auc": _auc_beside(ours, budget, *far),
    }
    if budget in ours.descents:
        said = ours.descents[budget].accused[SEED]
        differences["descendant_recall"] = beside(_descendants(said.recalled, models), recalled, models)
    for name, difference in differences.items():
        found.append(Measure(f"{peer}/{name}_difference", tier, budget, difference, "difference"))
    behind = [name for name, difference in differences.items() if significantly_behind(difference)]
    count = float(len(behind))
    found.append(Measure(f"{peer}/significantly_behind", tier, budget, Figure(count, count, count, 0), "measures"))
    return found


def beside(ours: ByModel, theirs: ByModel, models: Sequence[Specimen]) -> Figure | None:
    """Ours less theirs, on the models that both have, with the interval over lineages: below 0, we are behind."""
    both = [place for place in ours if place in theirs]
    lineages = [models[place].lineage for place in both]
    return paired([ours[place] for place in both], [theirs[place] for place in both], lineages)


def _auc_beside(ours: Ours, budget: int, left_out: ByModel, known: ByModel) -> Figure | None:
    """Of the share of known models that each model of a family left out stands above."""
    mine = [one.get((budget, SEED), {}) for one in (ours.trials.unknown_left_out, ours.trials.unknown_known)]
    if not (mine[0] and mine[1] and left_out and known):
        return None
    return beside(_above(*mine), _above(left_out, known), ours.seen.candidates)


def _above(values: ByModel, others: Mapping[int, float]) -> dict[int, float]:
    lower = np.array(list(others.values()))
    return {place: float(((value > lower) + (value == lower) / 2).mean()) for place, value in values.items()}


def _descendants(values: ByModel, models: Sequence[Specimen]) -> dict[int, float]:
    return {place: value for place, value in values.items() if models[place].kind == "descendant"}
