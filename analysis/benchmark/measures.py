"""From what was measured model by model to figures: by tier and budget, with intervals over lineages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.benchmark.accusations import Accusations
from analysis.benchmark.family import Subset, Trials
from analysis.benchmark.intervals import Figure, clustered
from analysis.benchmark.specimens import Specimen
from analysis.evaluation.scoring import auroc

ByModel = Mapping[int, float]
TECHNIQUES_AT = 64
"""The budget at which every technique has a figure of its own."""


@dataclass(frozen=True)
class Measure:
    """One figure, or None where nothing could be measured: NAME/TIER/BUDGET."""

    name: str
    tier: str
    budget: int
    figure: Figure | None
    unit: str = "share"

    @property
    def row(self) -> str:
        return f"{self.name}/{self.tier}/{self.budget}"


def over_seeds(measured: Mapping[Subset, ByModel], budget: int) -> dict[int, float]:
    """By model, the mean over the seeds of a budget."""
    seeds = [values for (size, _), values in measured.items() if size == budget]
    models = sorted({place for values in seeds for place in values})
    return {place: float(np.mean([values[place] for values in seeds if place in values])) for place in models}


def figure(values: ByModel, models: Sequence[Specimen], share: bool = True) -> Figure | None:
    """Of values by model, with the interval over lineages."""
    return clustered(list(values.values()), [models[place].lineage for place in values], share)


def area(above: ByModel, below: ByModel, models: Sequence[Specimen]) -> Figure | None:
    """The chance that a value of `above` is higher than one of `below`, ties counting half.

    A model of `above` counts with the share of `below` that it exceeds, in the interval over lineages too.
    """
    if not above or not below:
        return None
    lower = np.array(list(below.values()))
    shares = {place: auroc(lower, np.array([value])) for place, value in above.items()}
    return figure(shares, models)


def family_measures(trials: Trials, models: Sequence[Specimen], tier: str, budgets: Sequence[int]) -> list[Measure]:
    """Accuracy, log loss, unknowns rejected and ranked, techniques missed, at each budget."""
    found = []
    for budget in budgets:
        hit, loss, rejected = (over_seeds(one, budget) for one in (trials.hit, trials.loss, trials.rejected))
        ranked = area(over_seeds(trials.unknown_left_out, budget), over_seeds(trials.unknown_known, budget), models)
        same = figure(over_seeds(trials.hit_same_tokenizer, budget), models)
        found += [
            Measure("family_accuracy", tier, budget, figure(hit, models)),
            Measure("family_named", tier, budget, figure(over_seeds(trials.named, budget), models)),
            Measure("attributed", tier, budget, figure(over_seeds(trials.attributed, budget), models)),
            Measure(
                "strangers_attributed", tier, budget, figure(over_seeds(trials.stranger_attributed, budget), models)
            ),
            Measure("family_accuracy_same_tokenizer", tier, budget, same),
            Measure("log_loss", tier, budget, figure(loss, models, share=False), "nats"),
            Measure("unknown_rejected", tier, budget, figure(rejected, models)),
            Measure("unknown_auc", tier, budget, ranked, "area"),
            Measure("techniques_missed", tier, budget, missed(hit, models), "techniques"),
        ]
        if budget == TECHNIQUES_AT:
            found += by_technique("family_accuracy", tier, hit, models)
    return found


def by_technique(name: str, tier: str, values: ByModel, models: Sequence[Specimen]) -> list[Measure]:
    """The measure once for every technique, technique_TECHNIQUE/NAME."""
    groups: dict[str, dict[int, float]] = {}
    for place, value in values.items():
        groups.setdefault(models[place].technique, {})[place] = value
    return [
        Measure(f"technique_{one}/{name}", tier, TECHNIQUES_AT, figure(groups[one], models)) for one in sorted(groups)
    ]


def missed(hit: ByModel, models: Sequence[Specimen]) -> Figure | None:
    """How many techniques have two or more models that are missed with most draws of canaries; no interval."""
    if not hit:
        return None
    names = [models[place].technique for place, value in hit.items() if value < 0.5]
    count = float(sum(names.count(name) > 1 for name in set(names)))
    return Figure(count, count, count, len({models[place].lineage for place in hit}))


@dataclass(frozen=True)
class Descent:
    """Of one way to look at one budget: who was accused, by seed, and scores of true and of false parents."""

    accused: Sequence[Accusations]
    scores: Sequence[npt.NDArray[np.float64]]

    def mean(self, name: str) -> dict[int, float]:
        """By model, the mean over seeds of a part of the accusations."""
        parts = {(0, seed): getattr(one, name) for seed, one in enumerate(self.accused)}
        return over_seeds(parts, 0)


def true_and_false(
    models: Sequence[Specimen], references: npt.NDArray[np.intp], scores: npt.NDArray[np.float64]
) -> tuple[dict[int, float], dict[int, float]]:
    """By model, a descendant's score with the base of its own lineage, and anybody's highest score with another's."""
    own = np.array([[one.lineage == models[place].lineage for place in references] for one in models])
    kin, others = ({}, {})
    for place, one in enumerate(models):
        known = ~np.isnan(scores[place])
        if one.kind == "descendant" and (own[place] & known).any():
            kin[place] = float(scores[place][own[place] & known].max())
        if (~own[place] & known).any():
            others[place] = float(scores[place][~own[place] & known].max())
    return kin, others


def descent_measures(
    descent: Descent, models: Sequence[Specimen], references: npt.NDArray[np.intp], tier: str, budget: int
) -> list[Measure]:
    """Recall of descendants and innocents accused, by each way to set the threshold, and the area."""
    found = by_technique("descendant_recall", tier, descent.mean("recalled"), models) if budget == TECHNIQUES_AT else []
    for suffix in ("", "_bare", "_at_alpha"):
        recalled = descent.mean(f"recalled{suffix}")
        recalled = {place: value for place, value in recalled.items() if models[place].kind == "descendant"}
        accused = figure(descent.mean(f"accused{suffix}"), models)
        found += [
            Measure(f"descendant_recall{suffix}", tier, budget, figure(recalled, models)),
            Measure(f"innocents_accused{suffix}", tier, budget, accused),
        ]
    area_of = area(*true_and_false(models, references, descent.scores[0]), models)
    return [*found, Measure("descent_auc", tier, budget, area_of, "area")]
