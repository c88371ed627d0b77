"""What each channel and each kind of canary said, for the closest family against its rival."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.charts import kinds_chart, ranked
from analysis.report.markup import code, name
from analysis.report.material import WIDTHS, Chart, Material, Section
from analysis.report.signed import signed
from analysis.report.table import Table
from analysis.verdict import Evidence as Found

_MOST_ODDS = 10_000  # beyond, a number would claim more than was measured


@dataclass(frozen=True)
class Evidence(Section):
    """`cautions` say what this does not answer."""

    cautions: list[Markup]
    channels: Table
    chart: Chart
    kinds: Table


def section(material: Material) -> Evidence | None:
    """None where nothing was compared."""
    say, found = material.say, material.verdict.evidence
    if found is None:
        return None
    attributed = material.verdict.decision == "attributed"
    key = "lede" if found.rival_family is not None else "lede_alone"
    return Evidence(
        title=say("evidence.title"),
        lede=say(f"evidence.{key}", family=name(found.family), rival=rival_of(material, found)),
        cautions=[say("evidence.bounded"), *([] if attributed else [say("evidence.apart")])],
        channels=_channels(material, found),
        chart=_chart(material, found),
        kinds=_kinds(material, found),
    )


def rival_of(material: Material, found: Found) -> Markup:
    """The other side of the comparison: the next family, or strangers where there is none."""
    return material.say("evidence.strangers") if found.rival_family is None else name(found.rival_family)


def _channels(material: Material, found: Found) -> Table:
    say = material.say
    rows: list[list[Markup | str]] = [
        [code(channel), say.term("channel", channel), signed(decibans), _odds(material, found, decibans)]
        for channel, decibans in ranked(found.channels)
    ]
    total = sum(found.channels.values())
    rows.append([say("evidence.sum"), "", signed(total), _odds(material, found, total)])
    headings = [say(f"evidence.{key}") for key in ("channel", "compares", "decibans", "odds")]
    return Table(say("evidence.caption"), headings, rows, frozenset({2, 3}))


def _odds(material: Material, found: Found, decibans: float) -> Markup:
    """Decibans as odds for the side that they speak for."""
    factor = 10 ** min(abs(decibans) / 10, 9)
    if factor < 1.05:
        return material.say("evidence.neither")
    side = name(found.family) if decibans > 0 else rival_of(material, found)
    shown = f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"
    if factor > _MOST_ODDS:
        shown = material.say.plain("number.over", share=f"{_MOST_ODDS:,}")
    return material.say("evidence.for", factor=shown, family=side)


def _kinds(material: Material, found: Found) -> Table:
    say = material.say
    counts: Mapping[str, int] = Counter(row.kind for row in found.canaries)
    rows = [[say.term("kind", kind), f"{counts[kind]:,}", signed(decibans)] for kind, decibans in ranked(found.kinds)]
    headings = [say(f"evidence.{key}") for key in ("kind", "canaries", "decibans")]
    return Table(say("evidence.kinds_caption"), headings, rows, frozenset({1, 2}))


def _chart(material: Material, found: Found) -> Chart:
    rival = found.rival_family or material.say.plain("evidence.strangers")
    return {
        size: Markup(kinds_chart(found.kinds, found.family, rival, material.say, width, f"kinds-{size}"))
        for size, width in (WIDTHS.items() if found.kinds else ())
    }
