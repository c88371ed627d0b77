"""Weight-based evidence beside the behaviour, each with its false positives, and where the two disagree."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.markup import name, text
from analysis.report.material import Material, Section
from analysis.report.table import Table
from analysis.report.weight_measures import WeightMeasure, WeightMeasures

_HEADINGS = ("measure", "value", "independent", "share", "descendants", "reading")


@dataclass(frozen=True)
class Weights(Section):
    """The measures, and what they say together with the behaviour."""

    table: Table
    together: list[Markup]
    notes: list[Markup]


def section(material: Material) -> Weights | None:
    """None where no weights were compared."""
    say, found = material.say, material.weights
    if found is None:
        return None
    table = Table(
        caption=say("weights.caption"),
        headings=[say(f"weights.{key}") for key in _HEADINGS],
        rows=[_row(material, one) for one in found.measures],
        numbers=frozenset({1, 2, 3, 4}),
    )
    lede = say("weights.lede", a=name(found.a), b=name(found.b))
    return Weights(say("weights.title"), lede, table, together(material, found), _notes(material, found))


def together(material: Material, found: WeightMeasures) -> list[Markup]:
    """Where behaviour and weights agree and where they don't; only parents that are one of the two models count."""
    say = material.say
    speaking = say.joined(_name_of(one) for one in found.measures if one.reading == "speaks")
    decided = {one.parent: one.decision for one in material.verdict.descent if one.parent in (found.a, found.b)}
    told = []
    for parent, decision in decided.items():
        if decision == "shared_ancestry":
            key = "agree" if speaking else "behaviour_only"
        elif decision == "independent_not_rejected":
            key = "disagree" if speaking else "neither"
        else:
            key = "weights_only" if speaking else "neither"
        told.append(say(f"weights.{key}", measures=speaking, parent=name(parent)))
    return told or [say("weights.weights_only" if speaking else "weights.neither", measures=speaking)]


def _notes(material: Material, found: WeightMeasures) -> list[Markup]:
    say = material.say
    sources = list(dict.fromkeys(one.source for one in found.measures if one.source))
    notes = [say("weights.source", source=say.original(source)) for source in sources]
    if found.in_words:
        notes.append(say("weights.words", words=say.original(found.in_words)))
    if material.verdict.candidate not in (found.a, found.b):
        notes.append(say("weights.stranger", candidate=name(material.verdict.candidate)))
    return notes


def _row(material: Material, one: WeightMeasure) -> list[Markup | str]:
    say = material.say
    unknown = say("number.unknown")
    value = unknown if one.value is None else text(f"{one.value:.4g} {one.unit}".strip())
    bound = unknown if one.upper_bound is None else f"{100 * one.upper_bound:.1f}%"
    return [
        _name_of(one),
        value,
        _of(material, one.independent_reaching, one.independent_pairs),
        bound,
        _of(material, one.descendants_reaching, one.descendant_pairs),
        say(f"weights.{one.reading}"),
    ]


def _name_of(one: WeightMeasure) -> Markup:
    return name(one.name.replace("_", " "))


def _of(material: Material, k: int | None, n: int | None) -> Markup:
    known = k is not None and n
    return material.say("weights.of", k=k, n=n) if known else material.say("number.unknown")
