"""One page over a batch: what became of every candidate, as a table that can be sorted, the tree, and the outliers.

Without scripts, as the report: a row carries its rank by every column, and the style sheet puts rows in the order of
the column that is chosen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analysis.report.hostile import visible
from analysis.report.language.catalogue import Language
from analysis.report.markup import TEXT_LIMIT, name, text
from analysis.report.tree_files import KINDS, picture
from analysis.trees.family_tree import FamilyTree
from analysis.verdict import Verdict, percent
from probes.write_whole import write_whole

_HERE = Path(__file__).parent
_WIDTH = 960  # CSS pixels of the tree
_TITLES = {"dendrogram": "Dendrogram, by average linkage", "neighbour_joining": "Neighbour-joining tree"}


@dataclass(frozen=True)
class Candidate:
    """One candidate of a batch. `verdict` is None where it was not judged, and `why` says why if that is known.

    `report` is the address of its own report, relative to the page; `leaf` its name in the tree, if it stands there.
    """

    name: str
    verdict: Verdict | None = None
    why: str = ""
    report: str | None = None
    leaf: str | None = None


@dataclass(frozen=True)
class Neighbour:
    """The model that a candidate stands closest to in the tree, and how far off (as `FamilyTree.distances`)."""

    name: str
    distance: float


@dataclass(frozen=True)
class Outliers:
    """Candidates farther from everybody than `fence`: the third quartile of all models' distances to their nearest, and
    one and a half times the range between the quartiles (Tukey, Exploratory Data Analysis, 1977, section 2)."""

    fence: float
    names: tuple[str, ...]


def nearest(tree: FamilyTree) -> dict[str, Neighbour]:
    """The nearest model to each recording of a tree."""
    distances = tree.distances + np.diag(np.full(len(tree.names), np.inf))
    found = {}
    for place, (one, family) in enumerate(zip(tree.names, tree.families, strict=True)):
        if family is None:
            closest = int(distances[place].argmin())
            found[one] = Neighbour(tree.names[closest], float(distances[place, closest]))
    return found


def outliers(tree: FamilyTree) -> Outliers:
    """The recordings that stand farther from their nearest model than the fence."""
    closest = (tree.distances + np.diag(np.full(len(tree.names), np.inf))).min(axis=1)
    low, high = np.quantile(closest, [0.25, 0.75])
    fence = float(high + 1.5 * (high - low))
    return Outliers(fence, tuple(one for one, found in nearest(tree).items() if found.distance > fence))


def write_batch_page(
    candidates: Sequence[Candidate], tree: FamilyTree | None, no_tree: str, path: Path, made_from: str
) -> Path:
    """Write the page, whole or not at all. Without a `tree`, `no_tree` says why; `made_from` is its last line."""
    near = {} if tree is None else nearest(tree)
    strange = None if tree is None else outliers(tree)
    columns = _columns(near)
    ranks = [_ranks([key(one) for one in candidates]) for _, key, _ in columns.values()]
    rows = [
        {
            "style": Markup(";".join(f"--r{n}:{up[place]};--b{n}:{down[place]}" for n, (up, down) in enumerate(ranks))),
            "cells": [show(one) for _, _, show in columns.values()],
            "report": one.report,
        }
        for place, one in enumerate(candidates)
    ]
    page = _environment().get_template("batch_page.html.j2")
    write_whole(
        path,
        page.render(
            counts=_counts(candidates),
            headings=list(columns),
            numbers={place for place, (number, _, _) in enumerate(columns.values()) if number},
            rows=rows,
            strange=strange,
            without_signal=[one for one in candidates if one.verdict is None or one.verdict.decision == "no_signal"],
            near=near,
            charts=[] if tree is None else [(_TITLES[kind], _drawn(tree, kind)) for kind in KINDS],
            no_tree=no_tree,
            tree=tree,
            made_from=made_from,
            name=name,
            text=text,
        ),
    )
    return path


Key = Callable[[Candidate], Any]
Show = Callable[[Candidate], Markup]


def _columns(near: Mapping[str, Neighbour]) -> dict[str, tuple[bool, Key, Show]]:
    """By heading: whether it holds numbers, by what it sorts (None: nothing to say, and last), and what it shows."""

    def words(of: Callable[[Candidate], str | None]) -> tuple[bool, Key, Show]:
        return False, lambda one: (of(one) or "").casefold() or None, lambda one: name(of(one) or "")

    def number(of: Callable[[Candidate], float | None], show: Callable[[float], str]) -> tuple[bool, Key, Show]:
        def cell(one: Candidate) -> Markup:
            value = of(one)
            return Markup("") if value is None else text(show(value))

        return True, of, cell

    def told(of: Callable[[Verdict], str | None]) -> Callable[[Candidate], str | None]:
        return lambda one: None if one.verdict is None else of(one.verdict)

    def counted(of: Callable[[Verdict], float | None]) -> Callable[[Candidate], float | None]:
        return lambda one: None if one.verdict is None else of(one.verdict)

    def beside(one: Candidate) -> Neighbour | None:
        return near.get(one.leaf or "")

    return {
        "Candidate": words(lambda one: one.name),
        "Decision": words(lambda one: "failed" if one.verdict is None else one.verdict.decision.replace("_", " ")),
        "Likeliest": words(told(lambda verdict: verdict.likeliest)),
        "Probability": number(
            counted(lambda verdict: verdict.posterior[verdict.likeliest] if verdict.likeliest else None), percent
        ),
        "Nearest model": words(lambda one: found.name if (found := beside(one)) else None),
        "Distance": number(
            lambda one: found.distance if (found := beside(one)) else None, lambda value: f"{value:.3f}"
        ),
        "Tier": words(told(lambda verdict: verdict.tier)),
        "Canaries": number(counted(lambda verdict: verdict.canaries), lambda value: f"{value:.0f}"),
        "Queries": number(counted(lambda verdict: verdict.queries), lambda value: f"{value:.0f}"),
        "Remarks": words(lambda one: one.why if one.verdict is None else "; ".join(one.verdict.warnings)),
    }


def _ranks(keys: Sequence[Any]) -> tuple[list[int], list[int]]:
    """The place of each when sorted, and when sorted backwards; those with nothing to say are last in both."""
    known = sorted((place for place, key in enumerate(keys) if key is not None), key=lambda place: keys[place])
    silent = [place for place, key in enumerate(keys) if key is None]
    both = []
    for order in ([*known, *silent], [*reversed(known), *silent]):
        ranks = dict(zip(order, range(len(order)), strict=True))
        both.append([ranks[place] for place in range(len(keys))])
    return both[0], both[1]


def _counts(candidates: Sequence[Candidate]) -> dict[str, int]:
    decisions = ["failed" if one.verdict is None else one.verdict.decision for one in candidates]
    order = ("attributed", "unknown", "inconclusive", "no_signal", "failed")
    return {one.replace("_", " "): decisions.count(one) for one in order if one in decisions}


def _drawn(tree: FamilyTree, kind: str) -> Markup:
    return Markup(picture(tree, kind, _WIDTH, kind, Language.load("en")))


def _environment() -> Environment:
    """As the report's: nothing is printed unescaped, unspelled or undefined."""
    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value, TEXT_LIMIT) if type(value) is str else value,
    )
