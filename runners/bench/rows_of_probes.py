"""Rows that probing for a family and probing for descent have in common."""

from collections.abc import Sequence

from analysis.descent.aligned import NAMED_QUERIES
from analysis.sequential.family_figures import saved
from analysis.signatures.observation import Access
from runners.bench.row import Row, Target
from runners.progress import say

ALPHA = 0.01
RUNS = 10_000
_FALSE, _SAVED = 124, 0.3


def named_queries(access: Access) -> int:
    """Queries that naming tokens after a prompt takes beside the one for its answer."""
    return NAMED_QUERIES if access.named else 0


def saved_row(name: str, chosen: dict[int, float], drawn: dict[int, float], most: int, lineages: Sequence[str]) -> Row:
    """What choosing saves, paired."""
    figure = saved(chosen, drawn, most, lineages)
    target = Target(name, "share", ">=", _SAVED)
    if figure is None:
        return Row(name, None, target)
    return Row(name, figure.value, target, interval=(figure.low, figure.high, figure.n))


def false_rows(name: str, wrong: int | None, runs: int) -> list[Row]:
    """How many null runs were wrong; nothing, and a sentence, where there are too few lineages to simulate."""
    if wrong is None:
        say(f"{name} is left out: too few independent trainings to judge one by the others")
        return []
    return [Row(name, float(wrong), Target(name, f"of {runs}", "<=", _FALSE * runs / RUNS))]
