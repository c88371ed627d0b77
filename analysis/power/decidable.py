"""Whether a test for descent can decide at all about a parent, before there is a candidate.

That depends on the innocents of the library (analysis.descent): how many there are with the parent's vocabulary, and
how they spread, which is what the smallest p-value that can come out is made of: that of a copy, effect 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.benchmark.accusations import innocents_of
from analysis.benchmark.ours import likeliest_of, logits_of, models_of
from analysis.descent.ancestry import TEXT_DECIDES_NOTHING, too_few_students
from analysis.descent.null import p_value
from analysis.descent.regression import TOP
from analysis.descent.residuals import ResidualScores
from analysis.descent.rivals import Matrix, Places, same_vocabulary
from analysis.descent.scores import SpaceScores
from analysis.descent.spaces import FEWEST_ROWS
from analysis.power.asked import Asked, Way
from probes.errors import LibraryError

_COPY = 1.0
"""The effect of a model with the parent's own weights."""


@dataclass(frozen=True)
class ParentChances:
    """Of one parent, at one budget: whether a decision is possible, and if not, why (`reason`).

    `controls`: independent trainings with its vocabulary. `smallest_p`: the p-value of a copy, times the `tried`
    parents that are asked about and can be compared. `bound`: the share of innocents that as many independent trainings
    as there are can't exclude to reach as much (95%).
    """

    parent: str
    family: str
    decidable: bool
    reason: str
    controls: int = 0
    tried: int = 1
    smallest_p: float | None = None
    bound: float | None = None


def columns_of(asked: Asked, parents: Sequence[str]) -> list[int]:
    """Places among the references of those named, of all if none is."""
    names = [asked.seen.candidates[place].name for place in asked.seen.references]
    if unknown := [name for name in parents if name not in names]:
        raise LibraryError(
            f"the library has no base, lookalike or sibling {unknown[0]!r} that was asked the suite "
            f"{asked.suite.name!r}; parents may be {', '.join(sorted(names))}"
        )
    return sorted({names.index(name) for name in parents} or range(len(names)))


def scorer(asked: Asked, way: Way) -> Callable[[Places], Matrix]:
    """What gives scores of shared weights [n_models, n_references] on some canaries, in a way other than text."""
    seen, models = asked.seen, models_of(asked.seen)
    if way != "topk":
        # a library whose references keep no tokens in common can't be compared so: everybody's scores are unknown
        logits = [one if one is not None and one.shape[1] > FEWEST_ROWS else None for one in logits_of(seen)]
        return SpaceScores(models, logits)
    known = likeliest_of(seen)
    same = same_vocabulary(models, [np.zeros((0, 0), np.float32) if one is not None else None for one in known])
    return ResidualScores(models, known, same, seen.access.top_k or TOP)


def parents_at(
    asked: Asked, scores: Matrix, columns: Sequence[int], budget: int, alpha: float, way: Way | None = None
) -> tuple[ParentChances, ...]:
    """What can be decided about parents, from everybody's scores; decidable ones first, then by name."""
    seen, way = asked.seen, way or asked.way
    if way == "text":
        return tuple(_undecided(asked, column, TEXT_DECIDES_NOTHING) for column in columns)
    if way in ("logits", "chosen") and budget < FEWEST_ROWS:
        reason = f"the test takes at least {FEWEST_ROWS}"
        return tuple(_undecided(asked, column, reason) for column in columns)
    innocents = innocents_of(seen.candidates, seen.references, scores, np.ones(len(seen.candidates), dtype=bool))
    names = [seen.candidates[place].name for place in seen.references]
    access = "topk" if way == "topk" else "logits"
    few = {c: innocents.too_few(c, names[c]) or too_few_students(innocents, access) for c in columns}
    tried, found = sum(not reason for reason in few.values()), []
    for column, reason in few.items():
        one, count = seen.candidates[seen.references[column]], int(innocents.controls[column])
        if reason:
            found.append(ParentChances(one.name, one.family, False, reason, count))
            continue
        null = innocents.null(column)
        smallest = min(p_value(_COPY, null)[0] * tried, 1.0)
        bound = max(spread.bound(_COPY) for spread in null.values())
        why_not = (
            "" if smallest <= alpha else _too_wide(smallest, tried, alpha, {k: v.lineages for k, v in null.items()})
        )
        found.append(ParentChances(one.name, one.family, not why_not, why_not, count, tried, smallest, bound))
    return tuple(sorted(found, key=lambda one: (not one.decidable, one.parent)))


def _too_wide(smallest: float, tried: int, alpha: float, lineages: dict[str, int]) -> str:
    among = f" (of {tried} parents tried)" if tried > 1 else ""
    students = f" and {lineages['taught']} students" if "taught" in lineages else ""
    return (
        f"even a copy would have p = {smallest:.2g}{among}, above {alpha:g}: {lineages['strangers']} independent "
        f"trainings{students} leave so much room for an innocent to reach as much"
    )


def _undecided(asked: Asked, column: int, reason: str) -> ParentChances:
    one = asked.seen.candidates[asked.seen.references[column]]
    return ParentChances(one.name, one.family, False, reason)


def other_ways(asked: Asked, columns: Sequence[int], alpha: float) -> dict[Way, bool]:
    """Ways that show more than the one asked about, and whether any parent could be decided so, with every canary."""
    n = len(asked.places)
    higher: dict[Way, tuple[Way, ...]] = {"text": ("topk", "chosen"), "topk": ("chosen",)}
    return {
        way: any(one.decidable for one in parents_at(asked, scorer(asked, way)(asked.places), columns, n, alpha, way))
        for way in higher.get(asked.way, ())
    }
