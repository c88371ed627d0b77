"""The chance that a test for descent decides: whether it can at all, and how often it recalls and accuses.

How often is measured on the library's models, their lineages held out (analysis.benchmark.accusations): the null then
knows fewer lineages than it will when the test is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.benchmark.accusations import Accusations, accusations
from analysis.benchmark.intervals import Figure
from analysis.benchmark.measures import figure, over_seeds
from analysis.benchmark.ours import SEEDS
from analysis.descent.rivals import Matrix
from analysis.power.asked import Asked, Cost
from analysis.power.decidable import ParentChances, columns_of, parents_at, scorer
from analysis.power.family import Begin


@dataclass(frozen=True)
class DescentChances:
    """At one budget: the parents asked about, decidable ones first; the chance that a descendant of a decidable parent
    is `recalled` and that an innocent is `accused`, None where no lineage can be held out and leave enough."""

    budget: int
    cost: Cost
    parents: tuple[ParentChances, ...]
    recalled: Figure | None = None
    accused: Figure | None = None

    @property
    def possible(self) -> bool:
        """Whether any parent can be decided about."""
        return any(one.decidable for one in self.parents)


def descent_chances(asked: Asked, parents: Sequence[str], alpha: float, begin: Begin) -> list[DescentChances]:
    """At every budget, about some references of the library, or all. Raises LibraryError for one that it has not."""
    columns = columns_of(asked, parents)
    if asked.way == "text":
        told = parents_at(asked, np.zeros((0, 0)), columns, asked.budget, alpha)
        return [DescentChances(budget, asked.cost(budget), told) for budget in asked.budgets]
    score, subsets = scorer(asked, asked.way), asked.subsets
    step, found = begin("testing for descent", len(asked.subsets)), []
    everything = range(len(asked.seen.references))
    for budget in asked.budgets:
        scores = []
        for seed in range(SEEDS):
            scores.append(score(subsets[budget, seed]))
            step()
        told = parents_at(asked, scores[0], columns, budget, alpha)
        there = {p.parent for p in parents_at(asked, scores[0], everything, budget, alpha) if p.decidable}
        rates = _rates(asked, scores, there, alpha) if there else (None, None)
        found.append(DescentChances(budget, asked.cost(budget), told, *rates))
    return found


def _rates(
    asked: Asked, scores: Sequence[Matrix], decidable: set[str], alpha: float
) -> tuple[Figure | None, Figure | None]:
    """Recall of descendants and accusations of innocents, of those that the held-out test can decide about."""
    models, references = asked.seen.candidates, asked.seen.references
    lineages = {models[place].lineage for place in references if models[place].name in decidable}
    found = [accusations(models, references, one, asked.way == "topk", alpha) for one in scores]

    def mean(name: str, places: set[int]) -> Figure | None:
        values = {(0, seed): _decided(one, name, places) for seed, one in enumerate(found)}
        return figure(over_seeds(values, 0), models)

    descendants = {p for p, one in enumerate(models) if one.kind == "descendant" and one.lineage in lineages}
    return mean("recalled_at_alpha", descendants), mean("accused_at_alpha", set(range(len(models))))


def _decided(found: Accusations, name: str, places: set[int]) -> dict[int, float]:
    values: dict[int, float] = getattr(found, name)
    return {p: value for p, value in values.items() if p in places and found.decided_at_alpha.get(p)}
