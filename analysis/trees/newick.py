"""Newick, the format of programs for trees (Olsen 1990): names in quotes, support as the names of inner nodes."""

from collections.abc import Sequence

from analysis.trees.tree import Tree


def newick(tree: Tree, names: Sequence[str]) -> str:
    """One tree as one line. `names` are quoted always, so that nothing in them is taken for the format.

    Support stands in percent behind the bracket of its branch. Line ends would part a name: spell them out before.

    >>> from analysis.trees.tree import average_linkage
    >>> import numpy as np
    >>> newick(average_linkage(np.array([[0.0, 0.5], [0.5, 0.0]])), ["a b", "it's"])
    "('a b':0.25,'it''s':0.25);"
    """
    children = tree.children
    written = ["'" + name.replace("'", "''") + "'" for name in names]
    for node in range(tree.n_leaves, len(tree.parents)):
        below = ",".join(f"{written[child]}:{tree.lengths[child]:.6g}" for child in children[node])
        share = tree.support[node]
        written.append(f"({below})" + ("" if share is None else f"{100 * share:.0f}"))
    return written[-1] + ";"
