"""The posterior, as a picture and as a table."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.attribution.posterior import UNKNOWN
from analysis.report.charts import posterior_chart, ranked
from analysis.report.markup import name
from analysis.report.material import WIDTHS, Chart, Material, Section
from analysis.report.table import Table


@dataclass(frozen=True)
class Probability(Section):
    """One chart, one table."""

    chart: Chart
    table: Table


def section(material: Material) -> Probability | None:
    """None where there is no posterior."""
    posterior, say = material.verdict.posterior, material.say
    if not posterior:
        return None
    best = material.verdict.likeliest
    chart = {
        size: Markup(posterior_chart(posterior, best, say, width, f"posterior-{size}"))
        for size, width in WIDTHS.items()
    }
    headings = [say(f"probability.{key}") for key in ("family", "posterior", "exact")]
    rows = [[name(family), say.percent(p), f"{p:.6g}"] for family, p in ranked(posterior)]
    table = Table(say("probability.caption"), headings, rows, frozenset({1, 2}))
    return Probability(say("probability.title"), say("probability.lede", unknown=UNKNOWN), chart, table)
