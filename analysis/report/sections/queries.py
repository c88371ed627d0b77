"""Probability against the number of queries: what fewer canaries would have said."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.attribution.posterior_growth import Step
from analysis.report.charts import growth_chart, ranked
from analysis.report.markup import name
from analysis.report.material import WIDTHS, Chart, Material, Section
from analysis.report.table import Table

_MOST_COLUMNS = 4


@dataclass(frozen=True)
class Queries(Section):
    """One chart, one table."""

    chart: Chart
    table: Table


def section(material: Material) -> Queries | None:
    """None where fewer canaries were not looked at, or one step is all there is."""
    say = material.say
    steps = [step for step in material.growth if step.posterior]
    if len(steps) < 2:
        return None
    chart = {size: Markup(growth_chart(steps, say, width, f"growth-{size}")) for size, width in WIDTHS.items()}
    families = [family for family, _ in ranked(steps[-1].posterior)][:_MOST_COLUMNS]
    headings = [say(f"queries.{key}") for key in ("canaries", "asked")] + [name(family) for family in families]
    rows = [_row(material, step, families) for step in steps]
    numbers = frozenset(range(1, len(families) + 2))
    table = Table(say("queries.caption"), [*headings, say("queries.decision")], rows, numbers)
    return Queries(say("queries.title"), say("queries.lede"), chart, table)


def _row(material: Material, step: Step, families: list[str]) -> list[Markup | str]:
    asked = material.verdict.queries * step.canaries / max(len(material.recording.suite), 1)
    shares = [material.say.percent(step.posterior.get(family, 0.0)) for family in families]
    return [f"{step.canaries:,}", f"{asked:,.0f}", *shares, material.say(f"decision.{step.decision}")]
