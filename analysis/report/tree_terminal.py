"""A tree in the terminal or in a pipe: both ways of drawing it, what it rests on, and what it does not say."""

import sys
from collections import Counter

from rich.console import Console
from rich.text import Text

from analysis.report.language.catalogue import Language
from analysis.report.tree_chart import tree_lines
from analysis.trees.family_tree import FamilyTree
from analysis.trees.midpoint import rooted_at_midpoint


def show_tree(found: FamilyTree, console: Console | None = None) -> None:
    """Print both trees; without a console, to stdout, where no line is broken."""
    say = Language.load("en")
    out = console or Console(file=sys.stdout, highlight=False)
    plain = out.options.ascii_only
    labels = [f"{name} [{family or 'recording'}]" for name, family in zip(found.names, found.families, strict=True)]
    trees = {"dendrogram": found.dendrogram, "neighbour_joining": rooted_at_midpoint(found.neighbour_joining)}
    lines = [
        f"{len(found.names)} models, {found.canaries} canaries at tier {found.tier}, by {', '.join(found.channels)}; "
        f"library {found.library}"
    ]
    for name, tree in trees.items():
        lines += ["", say.plain(f"tree.{name}"), *tree_lines(tree, labels, plain)]
    lines += ["", *_measured(found), say.plain("tree.caution_1"), say.plain("tree.caution_2"), *_left_out(found)]
    for line in lines:
        shown = line.encode("ascii", "backslashreplace").decode() if plain else line
        out.print(Text(shown), soft_wrap=True)


def _measured(found: FamilyTree) -> list[str]:
    """Which families the trees keep together, and how far the distances are those of a tree."""
    lines = []
    if found.apart:
        n, kept = len(found.apart), [sum(ways) for ways in zip(*found.apart.values(), strict=True)]
        lines.append(
            f"Families that stand together: {kept[0]} of {n} (dendrogram), {kept[1]} of {n} (neighbour joining)"
        )
    if found.delta is not None:
        lines.append(f"Mean delta of quartets: {found.delta:.3f} (0 for the distances of a tree)")
    return lines


def _left_out(found: FamilyTree) -> list[str]:
    """What is no part of the tree, with those of one reason together."""
    reasons = Counter(found.left_out.values())
    first = {reason: name for name, reason in reversed(found.left_out.items())}
    return [
        f"Left out: {first[reason]}{f' and {count - 1} more' if count > 1 else ''}: {reason}"
        for reason, count in reasons.items()
    ]
