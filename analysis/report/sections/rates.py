"""How often answers like these were right and wrong on lineages that no fitted part had seen, in words."""

from markupsafe import Markup

from analysis.kinship.partial_coefficients import NAME as PARTIAL_COEFFICIENT
from analysis.kinship.shared_weights import NAME as SHARED_WEIGHTS
from analysis.report.material import Material
from analysis.report.measured_rates import Rate
from analysis.verdict import Verdict


def family_rates(material: Material) -> list[Markup]:
    """Of the family: from the benchmark, and of the very coefficients that this verdict used."""
    verdict, say = material.verdict, material.say
    tier, budget = _measured_at(verdict, SHARED_WEIGHTS in verdict.channels)
    told = []
    for key, row in (("accuracy", "family_accuracy"), ("rejected", "unknown_rejected")):
        rate = material.rates.at(row, tier, budget)
        if rate is not None and tier == verdict.tier:
            told.append(say(f"family.{key}", budget=rate.budget, tier=tier, rate=_rate(material, rate)))
        elif rate is not None:  # its budget is of queries
            told.append(say(f"family.{key}_named", budget=rate.budget, rate=_rate(material, rate)))
    counted = {"logits": {SHARED_WEIGHTS}, "topk": {SHARED_WEIGHTS, PARTIAL_COEFFICIENT}}.get(verdict.tier)
    if told and counted and not counted & {*verdict.channels}:
        told.append(say("family.benchmark"))
    measured = verdict.calibration.reliability
    for key, row in (("known", "set_coverage_known"), ("left_out", "set_coverage_unknown")):
        if row in measured:
            told.append(say(f"family.{key}", share=_percent(measured[row])))
    if "calibration_error" in measured:
        error = _percent(measured["calibration_error"])
        told.append(say("family.error", error=error, n=verdict.calibration.lineages))
    return told or [say("ladder.not_measured")]


def descent_rates(material: Material) -> list[Markup]:
    """Of the test of descent, at the access that it had; named tokens cost queries of their own."""
    verdict, say = material.verdict, material.say
    tier, budget = _measured_at(verdict, any(one.access == "logits" for one in verdict.descent))
    told = []
    for key, row in (("recall", "descendant_recall_at_alpha"), ("accused", "innocents_accused_at_alpha")):
        rate = material.rates.at(row, tier, budget)
        if rate is not None:
            told.append(say(f"descent.{key}", budget=rate.budget, tier=tier, rate=_rate(material, rate)))
    return told or [say("ladder.not_measured")]


def _measured_at(verdict: Verdict, through_logits: bool) -> tuple[str, int]:
    """The benchmark's access and budget: queries where top-20 access shows logits, which then are of named tokens."""
    if verdict.tier == "topk" and through_logits:
        return "topk_chosen", verdict.queries
    return verdict.tier, verdict.canaries


def _rate(material: Material, rate: Rate) -> Markup:
    values = {"value": _percent(rate.value), "n": rate.n}
    if rate.low is None or rate.high is None:
        return material.say("number.bare", **values)
    return material.say("number.interval", low=_percent(rate.low), high=_percent(rate.high), **values)


def _percent(share: float) -> str:
    """A measured share: what was counted may well be all or none."""
    return f"{100 * share:.1f}%"
