"""A plan as tables: what every budget costs and gives, and what can be decided about each parent."""

from collections.abc import Mapping, Sequence

from analysis.benchmark.intervals import Figure
from analysis.power.descent import DescentChances
from analysis.power.family import KNOWN, LEFT_OUT, FamilyChances
from analysis.report.hostile import NAME_LIMIT, visible

LISTED = 20
"""Parents that are listed."""
_SENTENCE = 500  # characters
Table = list[list[str]]
_COST = ("budget", "queries", "prompt_tokens", "answer_tokens")


def family_table(chances: Sequence[FamilyChances]) -> Table:
    """One row a budget, every share with its interval; the numbers of lineages behind them last."""
    heads = [*_COST, *(f"known_{one}" for one in KNOWN), *(f"left_out_{one}" for one in LEFT_OUT)]
    rows = [[*heads, "known_lineages", "left_out_lineages"]]
    for one in chances:
        shares = [*(one.known.get(name) for name in KNOWN), *(one.left_out.get(name) for name in LEFT_OUT)]
        counts = [_lineages(one.known), _lineages(one.left_out)]
        rows.append([*_cost(one), *(_share(share) for share in shares), *map(str, counts)])
    return rows


def descent_table(chances: Sequence[DescentChances]) -> Table:
    """One row a budget."""
    heads = [*_COST, "parents", "decidable", "smallest_p", "bound", "recalled", "accused"]
    rows = [[*heads, "recalled_lineages", "accused_lineages"]]
    for one in chances:
        values = [p.smallest_p for p in one.parents if p.smallest_p is not None]
        bounds = [p.bound for p in one.parents if p.bound is not None]
        said = [len(one.parents), sum(p.decidable for p in one.parents), min(values, default=None)]
        figures = [one.recalled, one.accused]
        cells = [_number(value) for value in (*said, max(bounds, default=None))]
        counts = ["0" if value is None else str(value.n) for value in figures]
        rows.append([*_cost(one), *cells, *(_share(value) for value in figures), *counts])
    return rows


def parents_table(chances: DescentChances) -> Table:
    """One row a parent, the first `LISTED`."""
    rows = [["parent", "family", "decidable", "controls", "smallest_p", "bound", "why_not"]]
    for one in chances.parents[:LISTED]:
        names = [visible(name, NAME_LIMIT) for name in (one.parent, one.family)]
        numbers = [str(one.controls), _number(one.smallest_p), _number(one.bound)]
        rows.append([*names, "yes" if one.decidable else "no", *numbers, visible(one.reason, _SENTENCE) or "-"])
    return rows


def _lineages(figures: Mapping[str, Figure]) -> int:
    return max((one.n for one in figures.values()), default=0)


def _cost(chances: FamilyChances | DescentChances) -> list[str]:
    cost = chances.cost
    return [str(value) for value in (chances.budget, cost.queries, cost.prompt_tokens, cost.completion_tokens)]


def _share(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
