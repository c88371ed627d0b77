"""How far the posteriors of the benchmark can be trusted: calibration, and sets of labels that hold the truth."""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.attribution.conformal import LEVEL, ConformalSets, mass_down_to
from analysis.benchmark.family import Subset, Trials
from analysis.benchmark.intervals import Figure
from analysis.benchmark.measures import Measure, figure
from analysis.benchmark.specimens import Specimen
from analysis.evaluation.scoring import Predictions, calibration
from probes.errors import LibraryError

SIMULATIONS = 10_000
"""Calibrated sets that the posteriors are held against."""
SEED = 0
"""Of the canaries' draws: one is looked at, since those of one budget are alike."""


def calibration_measures(
    trials: Trials,
    models: Sequence[Specimen],
    families: Sequence[str],
    tier: str,
    budgets: Sequence[int],
    unknown_prior: float,
) -> list[Measure]:
    """Calibration of the posterior, and coverage and size of conformal sets, at each budget.

    Every model counts where its family is known, and again where that family was taken out and `unknown` is the truth.
    `families`: of the references, sorted.
    """
    found = []
    for budget in budgets:
        cases = _cases(trials, models, families, (budget, SEED))
        if cases is not None:
            found += _reliability(cases, models, tier, budget, unknown_prior) + _sets(cases, models, tier, budget)
    return found


def truths(trials: Trials, models: Sequence[Specimen], families: Sequence[str], budget: int) -> dict[str, list[float]]:
    """Scores of the truth for conformal sets, by lineage, of all that `calibration_measures` counts; {} for nobody."""
    found: dict[str, list[float]] = {}
    cases = _cases(trials, models, families, (budget, SEED))
    if cases is not None:
        for posterior, label, place in zip(*cases, strict=True):
            found.setdefault(models[place].lineage, []).append(mass_down_to(posterior, int(label)))
    return found


Cases = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Posteriors [n, n_families + 1], the place of the truth [n], and whose they are [n]."""


def _cases(trials: Trials, models: Sequence[Specimen], families: Sequence[str], subset: Subset) -> Cases | None:
    known: Mapping[int, np.ndarray] = trials.posterior.get(subset, {})
    left_out: Mapping[int, np.ndarray] = trials.posterior_left_out.get(subset, {})
    if not known or not left_out:
        return None
    place = {name: number for number, name in enumerate(families)}
    truth = [place[models[one].family] for one in known] + [len(families)] * len(left_out)
    return np.array([*known.values(), *left_out.values()]), np.array(truth), np.array([*known, *left_out])


def _reliability(
    cases: Cases, models: Sequence[Specimen], tier: str, budget: int, unknown_prior: float
) -> list[Measure]:
    posterior, truth, whose = cases
    lineages = np.unique([models[place].lineage for place in whose], return_inverse=True)[1]
    unknown = truth == posterior.shape[1] - 1
    # known and unknown weigh as their priors do, and within either every lineage the same
    group = 2 * lineages + unknown
    weight = 1 / np.bincount(group)[group]
    for side, share in ((unknown, unknown_prior), (~unknown, 1 - unknown_prior)):
        weight[side] *= share / weight[side].sum()
    prior = np.where(unknown, np.log(unknown_prior), np.log((1 - unknown_prior) / (posterior.shape[1] - 1)))
    said = Predictions(np.log(np.clip(posterior, 1e-300, None)), truth.astype(np.intp), lineages, weight, prior)
    found, n = calibration(said, simulations=SIMULATIONS), int(lineages.max()) + 1
    names = {"ece": "calibration_error", "p_value": "calibration_p_value", "log_loss": "log_loss_with_unknown"}
    names["log_loss_prior"] = "log_loss_of_the_prior"
    units = {"ece": "share", "p_value": "p"}
    return [
        Measure(name, tier, budget, Figure(found[key], found[key], found[key], n), units.get(key, "nats"))
        for key, name in names.items()
    ]


def _sets(cases: Cases, models: Sequence[Specimen], tier: str, budget: int) -> list[Measure]:
    """Lineage by lineage, calibrated on all others.

    The others' posteriors come from fits that this lineage was part of (cross-conformal), so that coverage is measured
    here and not promised; of known candidates and of those whose family was taken out apart, too.
    """
    posterior, truth, whose = cases
    lineage = np.array([models[place].lineage for place in whose])
    said = np.array([mass_down_to(one, label) for one, label in zip(posterior, truth.tolist(), strict=True)])
    held: dict[str, dict[int, list[float]]] = {"set_coverage": {}, "set_coverage_known": {}, "set_coverage_unknown": {}}
    size: dict[int, list[float]] = {}
    for one in np.unique(lineage):
        others = {other: said[lineage == other].tolist() for other in np.unique(lineage[lineage != one]).tolist()}
        try:
            sets = ConformalSets.calibrated(others, LEVEL)
        except LibraryError:
            return []
        for case in np.flatnonzero(lineage == one).tolist():
            members = sets({str(label): float(p) for label, p in enumerate(posterior[case])})
            sort = "set_coverage_unknown" if truth[case] == posterior.shape[1] - 1 else "set_coverage_known"
            for name in ("set_coverage", sort):
                held[name].setdefault(int(whose[case]), []).append(float(str(truth[case]) in members))
            size.setdefault(int(whose[case]), []).append(float(len(members)))
    found = [Measure(name, tier, budget, figure(_means(one), models)) for name, one in held.items()]
    return [*found, Measure("set_size", tier, budget, figure(_means(size), models, share=False), "labels")]


def _means(values: Mapping[int, Sequence[float]]) -> dict[int, float]:
    return {place: float(np.mean(one)) for place, one in values.items()}
