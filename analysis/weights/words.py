"""The evidence of two models' weights in words: a table's rows, and one careful paragraph."""

from collections.abc import Sequence

from analysis.report.hostile import NAME_LIMIT, visible
from analysis.weights.evidence import Reading, WeightEvidence
from analysis.weights.innocent_pairs import Rate
from analysis.weights.measures import BY_NAME
from analysis.weights.summary import Facts

SAYS_NOTHING = 0.05
"""From this share of independent pairs on, a value is nothing unusual for two models that share nothing."""
COLUMNS = ("measure", "value", "strangers", "at most", "of one shape", "at most", "descendants")


def rows(evidence: WeightEvidence) -> list[tuple[str, ...]]:
    """The table's rows under `COLUMNS`: the value, and who else reaches it, with the upper 95% bounds."""
    return [
        (
            one.measure,
            "none" if one.value is None else f"{one.value:.3f}",
            *_reached(one.strangers),
            *_reached(one.strangers_of_one_shape),
            _reached(one.descendants)[0],
        )
        for one in evidence.readings
    ]


def facts(evidence: WeightEvidence) -> list[str]:
    """What the two models are, a line each, and what was not compared."""
    lines = [
        _described("a", evidence.name_a, evidence.a, evidence.not_compared_a),
        _described("b", evidence.name_b, evidence.b, evidence.not_compared_b),
    ]
    return lines + [f"{one.measure}: {one.why}" for one in evidence.readings if one.value is None]


def said(evidence: WeightEvidence) -> str:
    """What the measures say together; never who was first, and nothing from a measure that strangers reach as well."""
    apart = [one for one in evidence.readings if BY_NAME[one.measure].decides and _beyond_all(one)]
    common = [one for one in evidence.readings if _says_nothing(one)]
    parts = [_conclusion(evidence, apart)]
    if common:
        parts.append(
            f"As alike as this by {_listed(common)} are many models that share no weights "
            f"({', '.join(_commonness(one) for one in common)}): that says nothing about ancestry."
        )
    if evidence.same_shape:
        parts.append("The same architecture and size are no evidence of shared weights either.")
    return " ".join(parts)


def _conclusion(evidence: WeightEvidence, apart: Sequence[Reading]) -> str:
    deciding = [one for one in evidence.readings if BY_NAME[one.measure].decides and one.value is not None]
    if not deciding:
        return "None of the measures that could tell shared weights could be taken: undecidable from these files."
    if not apart:
        return f"By {_listed(deciding)} the two are as far apart as independent trainings: no sign of shared weights."
    rate = apart[0].strangers
    assert rate is not None  # it is beyond all of them
    bound = max(_bound(one) for one in apart)
    text = (
        f"By {_listed(apart)} the two are more alike than any of {rate.pairs} pairs of independent trainings: shared "
        f"weight ancestry (strangers reach such a value in at most {bound:.0%} of cases, at 95% confidence for each "
        "measure; who came first does not follow)."
    )
    if evidence.same_shape and not _has(apart, "cosine"):
        text += " Number by number the weights do not match, as after a permutation or rotation of the hidden space."
    beside = [one for one in deciding if one not in apart and one.measure != "cosine"]
    if beside:
        text += f" By {_listed(beside)} independent trainings come as close, so the measures disagree."
    return text


def _beyond_all(reading: Reading) -> bool:
    return reading.strangers is not None and reading.strangers.reached == 0


def _says_nothing(reading: Reading) -> bool:
    rates = [rate for rate in (reading.strangers, reading.strangers_of_one_shape) if rate is not None]
    return not BY_NAME[reading.measure].decides and any(rate.share >= SAYS_NOTHING for rate in rates)


def _commonness(reading: Reading) -> str:
    """The rate that speaks loudest against a measure."""
    rates = [rate for rate in (reading.strangers, reading.strangers_of_one_shape) if rate is not None]
    rate = max(rates, key=lambda one: one.share)
    among = " of one shape" if rate is reading.strangers_of_one_shape else ""
    return f"{reading.measure} {rate.reached} of {rate.pairs} pairs{among}"


def _bound(reading: Reading) -> float:
    return reading.strangers.upper if reading.strangers is not None else 1.0


def _reached(rate: Rate | None) -> tuple[str, str]:
    return ("none", "none") if rate is None else (f"{rate.reached}/{rate.pairs}", f"{rate.upper:.2f}")


def _has(readings: Sequence[Reading], measure: str) -> bool:
    return any(one.measure == measure for one in readings)


def _listed(readings: Sequence[Reading]) -> str:
    names = [one.measure for one in readings]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _described(side: str, name: str, facts: Facts, not_compared: Sequence[str]) -> str:
    shown, architecture = visible(name, NAME_LIMIT), visible(facts.architecture, NAME_LIMIT)
    left = f", {len(not_compared)} tensors not compared" if not_compared else ""
    return (
        f"{side}: {shown} ({architecture}, {facts.layers} layers, hidden size {facts.hidden_size:,}, "
        f"{facts.tokens:,} tokens known{left})"
    )
