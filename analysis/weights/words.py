"""The evidence of two models' weights in words: a table's rows, and one careful paragraph."""

from collections.abc import Sequence
from typing import Literal

from analysis.report.hostile import NAME_LIMIT, visible
from analysis.weights.evidence import Reading, WeightEvidence
from analysis.weights.innocent_pairs import Rate
from analysis.weights.measures import BY_NAME
from analysis.weights.summary import Facts

Shared = Literal["shared", "undecided", "apart", "undecidable"]
SAYS_NOTHING = 0.05
"""From this share of independent pairs on, a value is nothing unusual for two models that share nothing."""
COLUMNS = (
    "measure",
    "value",
    *("strangers", "at most", "highest"),
    *("one shape", "at most", "highest"),
    "kin",
    "lowest",
)


def rows(evidence: WeightEvidence) -> list[tuple[str, ...]]:
    """The table's rows under `COLUMNS`.

    The value; how many strangers reach it, the upper 95% bound of their share, and the highest that they come to;
    the same of those of one shape; how many descendants reach it, and the lowest that they come to.
    """
    return [
        (
            one.measure,
            _number(one.value),
            *_reached(one.strangers),
            *_reached(one.strangers_of_one_shape),
            *_kin(one.descendants),
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


def shared(evidence: WeightEvidence) -> Shared:
    """What the deciding measures say together, in a word."""
    deciding, beyond, apart = _deciding(evidence)
    if not deciding:
        return "undecidable"
    return "shared" if apart else "undecided" if beyond else "apart"


def said(evidence: WeightEvidence) -> str:
    """What the measures say together; never who was first, and nothing from a measure that strangers reach as well."""
    deciding, beyond, apart = _deciding(evidence)
    common = [one for one in evidence.readings if _says_nothing(one)]
    if not deciding:
        parts = ["None of the measures that could tell shared weights could be taken: undecidable from these files."]
    elif apart:
        parts = _shared(evidence, deciding, apart)
    elif beyond:
        parts = [
            f"By {_listed(beyond)} the two are more alike than any strangers that were measured, but less than any "
            "descendant is like its parent: undecided."
        ]
    else:
        parts = [
            f"By {_listed(deciding)} the two are as far apart as independent trainings: no sign of shared weights."
        ]
        if evidence.same_shape:
            parts.append("The same architecture and size are no evidence of any.")
    if common:
        parts.append(
            f"As alike as this by {_listed(common)} are many models that share no weights "
            f"({', '.join(_commonness(one) for one in common)}): that says nothing about ancestry."
        )
    return " ".join(parts)


def _deciding(evidence: WeightEvidence) -> tuple[list[Reading], list[Reading], list[Reading]]:
    """The deciding readings, those beyond all strangers, and of these the ones as alike as descendants are."""
    deciding = [one for one in evidence.readings if BY_NAME[one.measure].decides and one.value is not None]
    beyond = [one for one in deciding if one.strangers is not None and one.strangers.reached == 0]
    return deciding, beyond, [one for one in beyond if _as_descendants(one)]


def _shared(evidence: WeightEvidence, deciding: Sequence[Reading], apart: Sequence[Reading]) -> list[str]:
    rates = {one.measure: one.strangers for one in apart if one.strangers is not None}
    highest = ", ".join(f"{name} {rate.highest:.3f}" for name, rate in rates.items())
    pairs, bound = min(rate.pairs for rate in rates.values()), max(rate.upper for rate in rates.values())
    parts = [
        f"By {_listed(apart)} the two are as alike as a model and its descendant, and more than any of {pairs} pairs "
        f"of independent trainings, which come to {highest} at most: shared weight ancestry. That a stranger is so "
        f"alike has a chance of at most {bound:.0%}, as far as so few lineages tell (95%, for each measure by itself); "
        "who came first does not follow."
    ]
    if evidence.same_shape and "cosine" not in rates:
        parts.append(
            "Number by number the weights do not match, as after a permutation or rotation of the hidden space."
        )
    if beside := [one for one in deciding if one not in apart and one.measure != "cosine"]:
        parts.append(f"By {_listed(beside)} they are not, so the measures disagree.")
    return parts


def _as_descendants(reading: Reading) -> bool:
    """Whether any pair of a model and its descendant is no more alike."""
    rate = reading.descendants
    return rate is not None and reading.value is not None and round(reading.value, 4) >= rate.lowest


def _says_nothing(reading: Reading) -> bool:
    rates = [rate for rate in (reading.strangers, reading.strangers_of_one_shape) if rate is not None]
    return not BY_NAME[reading.measure].decides and any(rate.share >= SAYS_NOTHING for rate in rates)


def _commonness(reading: Reading) -> str:
    """The rate that speaks loudest against a measure."""
    rates = [rate for rate in (reading.strangers, reading.strangers_of_one_shape) if rate is not None]
    rate = max(rates, key=lambda one: one.share)
    among = " of one shape" if rate is reading.strangers_of_one_shape else ""
    return f"{reading.measure} {rate.reached} of {rate.pairs} pairs{among}"


def _reached(rate: Rate | None) -> tuple[str, str, str]:
    if rate is None:
        return ("none", "none", "none")
    return (f"{rate.reached}/{rate.pairs}", f"{rate.upper:.2f}", _number(rate.highest))


def _kin(rate: Rate | None) -> tuple[str, str]:
    return ("none", "none") if rate is None else (f"{rate.reached}/{rate.pairs}", _number(rate.lowest))


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


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
