"""The test of descent, parent by parent: the decision in words, and the figures behind it."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.descent.evidence import DescentEvidence
from analysis.report.markup import name
from analysis.report.material import Material, Section
from analysis.report.table import Table

_HEADINGS = ("parent", "decision", "p", "adjusted", "e", "effect", "innocents", "controls", "lineages", "bound")
_LEAST_P = 0.0001
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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


def answer_of(material: Material) -> Markup:
    """All decisions in a few words: the parents that weights are shared with, where there are any."""
    say, found = material.say, material.verdict.descent
    shared = [one.parent for one in found if one.decision == "shared_ancestry"]
    if shared:
        return say("descent.shared_with", parents=say.names(shared))
    decisions = {one.decision for one in found}
    if not decisions:
        return say("descent.not_asked")
    return say("descent.mixed") if len(decisions) > 1 else say(f"descent.{decisions.pop()}")


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
        told.append(say("descent.p", p=_p_in_words(material, one.p_value), adjusted=_p_in_words(material, adjusted)))
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


def _p_in_words(material: Material, p: float) -> str:
    """A p-value for people: what a model of the null says of its far tail is for the table."""
    return _small(p) if p >= _LEAST_P else material.say.plain("number.under", share=f"{_LEAST_P:g}")


def _small(figure: float) -> str:
    """Two digits, with a power of ten where it takes one."""
    shown = f"{figure:.2g}" if abs(figure) < 1e4 else f"{figure:.1e}"
    digits, power, exponent = shown.replace("-", "−").partition("e")
    return f"{digits}·10{str(int(exponent.replace('−', '-'))).translate(_RAISED)}" if power else digits
