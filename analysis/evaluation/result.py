"""The JSON of `kinprint evaluate`, from what was said of every model in every fold."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analysis.attribution.posterior import UNKNOWN
from analysis.evaluation.scoring import Predictions, accepted_at_90, auroc, calibration, wilson
from analysis.libraries.lineage import Lineage, singletons

if TYPE_CHECKING:
    from analysis.evaluation.evaluation import Said

_FEW_FAMILIES = 8


def result(
    said: Sequence["Said"],
    models: Sequence[Lineage],
    families: Sequence[str],
    sizes: Mapping[Any, int],
    unknown_prior: float | None,
    warnings: Sequence[str],
) -> dict[str, Any]:
    """All figures; those of the open set, the calibration and the misses are at the largest budget.

    `said` covers every model with relatives as a known and every model as an unknown; `sizes` maps budgets to canaries.
    """
    number = {family: place for place, family in enumerate(families)}
    family = np.array([number[model.family] for model in models])
    knowns = [one for one in said if one.known]
    largest = max(sizes.values())
    alone = singletons(models)
    notes = list(warnings)
    if alone:
        names = ", ".join(sorted(alone))
        notes.append(f"{len(alone)} models are the only weights of their family and count in open_set alone: {names}")
    if len(families) < _FEW_FAMILIES:
        notes.append(f"{len(families)} families are few lineages: the intervals and the calibration can't be relied on")
    return {
        "budgets": {str(budget): _accuracies(knowns, family, size) for budget, size in sizes.items()},
        "open_set": _open_set(said, family, largest),
        "calibration": calibration(_predictions(said, family, largest, unknown_prior)) if said else {},
        "misses": _misses(knowns, models, [*families, UNKNOWN], family, largest),
        "warnings": notes,
    }


def _accuracies(knowns: Sequence["Said"], family: npt.NDArray[np.intp], size: int) -> dict[str, dict[str, float]]:
    random = [np.mean(one.random[size].argmax(axis=1) == family[one.model]) for one in knowns]
    chosen = [float(one.chosen[size].argmax() == family[one.model]) for one in knowns]
    return {"random": _share(random), "chosen": _share(chosen)}


def _share(hits: Sequence[Any]) -> dict[str, float]:
    """Mean over models; the interval counts every model once, however many seeds it was asked with."""
    share = float(np.mean(hits)) if hits else 0.0
    low, high = wilson(share, len(hits))
    return {"family_accuracy": share, "low": low, "high": high, "n": len(hits)}


def _open_set(said: Sequence["Said"], family: npt.NDArray[np.intp], size: int) -> dict[str, Any]:
    score = [[np.exp(one.random[size][:, -1]) for one in said if one.known == known] for known in (True, False)]
    lineage = [[family[one.model] for one in said if one.known == known] for known in (True, False)]
    known, unknown = (np.concatenate(values) if values else np.zeros(0) for values in score)
    seeds = len(said[0].random[size])
    of_known, of_unknown = (np.repeat(np.array(values, dtype=np.intp), seeds) for values in lineage)
    measured = len(known) > 0 and len(unknown) > 0
    return {
        "auroc": auroc(known, unknown) if measured else None,
        "known_accepted_at_90": accepted_at_90(known, of_known, unknown, of_unknown) if measured else None,
        "n_known": len(lineage[0]),
        "n_unknown": len(lineage[1]),
    }


def _predictions(
    said: Sequence["Said"], family: npt.NDArray[np.intp], size: int, unknown_prior: float | None
) -> Predictions:
    """All predictions; knowns and unknowns weigh as the prior says, every model and seed of either alike."""
    seeds = len(said[0].random[size])
    known = np.repeat([one.known for one in said], seeds)
    model = np.repeat([one.model for one in said], seeds)
    log_posterior = np.concatenate([one.random[size] for one in said])
    there = np.isfinite(log_posterior[:, :-1]).sum(axis=1)
    share = 1 / (there + 1) if unknown_prior is None else np.full(len(there), unknown_prior)
    weight = np.where(known, (1 - share) / max(known.sum(), 1), share / max((~known).sum(), 1))
    return Predictions(
        log_posterior=log_posterior,
        truth=np.where(known, family[model], log_posterior.shape[1] - 1),
        lineage=family[model],
        weight=weight / weight.sum(),
        log_prior=np.where(known, np.log((1 - share) / there), np.log(share)),
    )


def _misses(
    knowns: Sequence["Said"], models: Sequence[Lineage], classes: Sequence[str], family: npt.NDArray[np.intp], size: int
) -> list[dict[str, Any]]:
    misses = []
    for one in knowns:
        posterior = np.exp(one.chosen[size])
        best = int(posterior.argmax())
        if best != family[one.model]:
            model = models[one.model]
            truth = float(posterior[family[one.model]])
            misses.append(
                {
                    "name": model.name,
                    "family": model.family,
                    "said": classes[best],
                    "p": float(posterior[best]),
                    "p_family": truth,
                }
            )
    return sorted(misses, key=lambda miss: miss["name"])
