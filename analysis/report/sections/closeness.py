"""How close the candidate comes to every family, and to every reference."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.attribution.evidence_by_canary import DECIBANS
from analysis.report.charts import ranked
from analysis.report.markup import code, name
from analysis.report.material import Material, Section
from analysis.report.signed import signed
from analysis.report.table import Table
from analysis.verdict import Evidence


@dataclass(frozen=True)
class Closeness(Section):
    """By family, and by reference."""

    families: Table
    references: Table


def section(material: Material) -> Closeness | None:
    """None where nothing was compared."""
    say, found = material.say, material.verdict.evidence
    if found is None:
        return None
    channels = material.verdict.channels
    headings = [say("closeness.family"), *(code(channel) for channel in channels)]
    rows = [
        [name(family), *(_share(material, by_channel.get(channel)) for channel in channels)]
        for family, by_channel in found.excess_similarity.items()
    ]
    families = Table(say("closeness.caption"), headings, rows, frozenset(range(1, len(headings))))
    return Closeness(say("closeness.title"), say("closeness.lede"), families, _references(material, found))


def _references(material: Material, found: Evidence) -> Table:
    """Every reference with its evidence for "kin" against "strangers", the closest first."""
    say = material.say
    members = {member.name: member for member in material.library.members}
    rows: list[list[Markup | str]] = []
    for reference, nats in ranked(found.log_likelihood_ratios):
        member = members.get(reference)
        of = (
            [say("closeness.not_there"), Markup("")]
            if member is None
            else [name(member.family), name(member.technique)]
        )
        rows.append([name(reference), *of, signed(DECIBANS * nats)])
    headings = [say(f"closeness.{key}") for key in ("reference", "family", "made", "decibans")]
    return Table(say("closeness.references_caption"), headings, rows, frozenset({3}))


def _share(material: Material, value: float | None) -> Markup | str:
    return material.say("number.unknown") if value is None else f"{signed(100 * value, 0).replace('+', '')}%"
