"""The test of descent, parent by parent: the decision in words, and the figures behind it."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.descent.evidence import DescentEvidence
from analysis.report.markup import name
from analysis.report.material import Material, Section
from analysis.report.table import Table

_HEADINGS = ("parent", "decision", "p", "adjusted", "e", "effect", "innocents", "controls", "lineages", "bound")


@dataclass(frozen=True)
class Descent(Section):
    """`parents`: a heading and sentences for each."""

    table: Table
    parents: list[tuple[Markup, list[Markup]]]
    cautions: list[Markup]


def section(material: Material) -> Descent | None:
    """None where no parent was named."""
    say, found = material.say, material.verdict.descent
    if not found:
        return None
    table = Table(
        caption=say("descent.table.caption"),
        headings=[say(f"descent.table.{key}") for key in _HEADINGS],
        rows=[_row(material, one) for one in found],
        numbers=frozenset(range(2, len(_HEADINGS))),
    )
    parents = [(name(one.parent), _sentences(material, one)) for one in found]
    cautions = [say("descent.caution_1"), say("descent.caution_2")]
    return Descent(say("descent.title"), say("descent.lede"), table, parents, cautions)


def in_words(material: Material, one: DescentEvidence) -> Markup:
    """The decision about one parent as a sentence."""
    names = {"candidate": name(material.verdict.candidate), "parent": name(one.parent)}
    return material.say(f"descent.says_{one.decision}", **names)


def decisions_of(material: Material) -> list[str]:
    """What was decided about each parent."""
    return [one.decision for one in material.verdict.descent]


def asked_of(material: Material) -> list[Markup]:
    """A sentence a parent; why there is none, where none was named."""
    if material.verdict.descent:
        return [in_words(material, one) for one in material.verdict.descent]
    say = material.say
    at_text = [say("descent.not_asked_text")] if material.verdict.tier == "text" else []
    return [say("descent.not_asked_why"), *at_text]


def _sentences(material: Material, one: DescentEvidence) -> list[Markup]:
    say = material.say
    told = [in_words(material, one)]
    if one.p_value is not None:
        adjusted = one.p_value if one.p_adjusted is None else one.p_adjusted
        told.append(say("descent.p", p=_small(one.p_value), adjusted=_small(adjusted)))
    if one.basis is not None:
        told.append(say(f"descent.{one.basis}"))
    if one.p_value is not None and one.bound is not None:
        told.append(say("descent.bound", lineages=one.lineages, bound=f"{100 * one.bound:.1f}%"))
    return [*told, say("descent.reason", reason=say.original(one.reason))]


def _row(material: Material, one: DescentEvidence) -> list[Markup | str]:
    nothing = material.say("number.nothing")
    figures = [one.p_value, one.p_adjusted, one.e_value, one.effect, one.innocents]
    bound = nothing if one.bound is None else f"{100 * one.bound:.1f}%"
    return [
        name(one.parent),
        material.say(f"descent.{one.decision}"),
        *(nothing if figure is None else _small(figure) for figure in figures),
        f"{one.controls:,}",
        f"{one.lineages:,}",
        bound,
    ]


def _small(figure: float) -> str:
    return f"{figure:.2g}" if abs(figure) < 1e4 else f"{figure:.2e}"
