"""Trees over models from the distances between them, and how far the canaries support their branches.

Average linkage (Sokal and Michener 1958) makes a dendrogram: it has a root, and all leaves are equally far from it.
Neighbour joining (Saitou and Nei 1987, with the criterion of Studier and Keppler 1988) needs no such clock, and its
tree has no root. Support is the share of replicates in which a branch comes back when canaries are drawn again
(Felsenstein 1985): the noise between canaries, and nothing of the spread between trainings.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

Matrix = npt.NDArray[np.float64]
NO_LENGTH = 1e-5
"""A branch shorter than this is none: what it would part is a tie, broken by nothing but the order of the models."""


@dataclass(frozen=True)
class Tree:
    """Nodes numbered from the leaves (0 to n_leaves - 1, the models in their order) to the root, which is the last.

    `parents` [n_nodes]: higher than the node's own number, -1 at the root. `lengths` [n_nodes]: of the branch above.
    `support` [n_nodes]: of that branch, 0 to 1; None where there is nothing to support. Without `rooted` the root is
    where the method happened to end.
    """

    parents: tuple[int, ...]
    lengths: tuple[float, ...]
    support: tuple[float | None, ...]
    rooted: bool

    @classmethod
    def grown(cls, children: Iterable[tuple[int, ...]], lengths: dict[int, float], rooted: bool) -> Self:
        """From the children of each inner node, in the order of their numbers, and the lengths above them."""
        families = list(children)
        n_nodes = sum(len(one) for one in families) + 1
        first = n_nodes - len(families)
        parents = {child: first + place for place, one in enumerate(families) for child in one}
        above = tuple(max(float(lengths.get(node, 0.0)), 0.0) for node in range(n_nodes))
        return cls(tuple(parents.get(node, -1) for node in range(n_nodes)), above, (None,) * n_nodes, rooted)

    @property
    def n_leaves(self) -> int:
        return min(self.parents[:-1])

    @property
    def children(self) -> list[list[int]]:
        """By node, the child with the fewest leaves first; none at a leaf."""
        found: list[list[int]] = [[] for _ in self.parents]
        for node, parent in enumerate(self.parents[:-1]):
            found[parent].append(node)
        size = [leaves.bit_count() for leaves in self.leaves_below]
        return [sorted(one, key=lambda node: (size[node], node)) for one in found]

    @property
    def leaves_below(self) -> list[int]:
        """By node, the leaves at or below it as bits of one number."""
        n_leaves = self.n_leaves
        below = [1 << node if node < n_leaves else 0 for node in range(len(self.parents))]
        for node, parent in enumerate(self.parents[:-1]):
            below[parent] |= below[node]
        return below

    def groups(self) -> dict[int, int]:
        """The groups of models (bits) that branches part from the others, with the node below the branch.

        Clades of a rooted tree; of one without a root, the side of each split without the first model. Branches of no
        length, and those that part one model only, are left out.
        """
        everybody, found = (1 << self.n_leaves) - 1, {}
        for node, below in enumerate(self.leaves_below[:-1]):
            group = below if self.rooted or not below & 1 else everybody ^ below
            parted = below.bit_count() > 1 and (self.rooted or (everybody ^ below).bit_count() > 1)
            if parted and self.lengths[node] > NO_LENGTH:
                found[group] = node
        return found

    def sets_apart(self, models: Iterable[int]) -> bool:
        """Whether some models are a clade, or a side of a split where there is no root; of one, or all, always."""
        group = sum(1 << model for model in set(models))
        everybody = (1 << self.n_leaves) - 1
        if group.bit_count() < 2 or group == everybody or (not self.rooted and (everybody ^ group).bit_count() < 2):
            return True
        return (group if self.rooted or not group & 1 else everybody ^ group) in self.groups()

    def supported_by(self, replicates: Iterable[Self]) -> Self:
        """The same tree with the share of replicates that have each of its groups."""
        trees = [tree.groups() for tree in replicates]
        seen = Counter(group for groups in trees for group in groups)
        support: list[float | None] = [None] * len(self.parents)
        for group, node in self.groups().items():
            support[node] = seen[group] / len(trees) if trees else None
        return replace(self, support=tuple(support))

    def positions(self) -> tuple[list[float], list[float]]:
        """By node, how far from the root it lies, and its row: leaves 0, 1, 2, ..., inner nodes amid their children."""
        children, sizes = self.children, [leaves.bit_count() for leaves in self.leaves_below]
        depth, first = [0.0] * len(self.parents), [0] * len(self.parents)
        for node in reversed(range(self.n_leaves, len(self.parents))):
            start = first[node]
            for child in children[node]:
                depth[child], first[child] = depth[node] + self.lengths[child], start
                start += sizes[child]
        row = [float(place) for place in first]
        for node in range(self.n_leaves, len(self.parents)):
            row[node] = (row[children[node][0]] + row[children[node][-1]]) / 2
        return depth, row


def average_linkage(distances: Matrix) -> Tree:
    """The dendrogram of distances [n, n], n at least 2; two leaves are as far apart as their clades are on average."""
    n = len(distances)
    joins = linkage(squareform(distances, checks=False), "average")
    heights = [0.0] * n + (joins[:, 2] / 2).tolist()
    pairs = [(int(one), int(other)) for one, other in joins[:, :2]]
    lengths = {child: heights[n + place] - heights[child] for place, pair in enumerate(pairs) for child in pair}
    return Tree.grown(pairs, lengths, rooted=True)


def neighbour_joining(distances: Matrix) -> Tree:
    """The tree of neighbour joining from distances [n, n], n at least 2; its last node has three neighbours.

    A branch that comes out negative is given length 0, and the rest to its neighbour (Kuhner and Felsenstein 1994).
    """
    d, nodes = distances.astype(np.float64), list(range(len(distances)))
    children: list[tuple[int, ...]] = []
    lengths: dict[int, float] = {}
    while (m := len(nodes)) > 3:
        away = d.sum(axis=1)
        criterion = (m - 2) * d - away[:, None] - away
        np.fill_diagonal(criterion, np.inf)
        i, j = sorted(divmod(int(criterion.argmin()), m))
        shorter = np.clip(d[i, j] / 2 + (away[i] - away[j]) / (2 * (m - 2)), 0, d[i, j])
        lengths[nodes[i]], lengths[nodes[j]] = float(shorter), float(d[i, j] - shorter)
        children.append((nodes[i], nodes[j]))
        d[i] = d[:, i] = (d[i] + d[j] - d[i, j]) / 2
        d[i, i], nodes[i] = 0, len(distances) + len(children) - 1
        d[j], nodes[j] = d[-1], nodes[-1]  # the last takes the place of the one that went
        d[:, j] = d[:, -1]
        d[j, j] = 0
        d, nodes = d[:-1, :-1], nodes[:-1]
    for place, node in enumerate(nodes):
        others = [other for other in range(m) if other != place]
        between = d[others[0], others[1]] if m == 3 else 0.0
        lengths[node] = float((d[place, others].sum() - between) / 2)
    return Tree.grown([*children, tuple(nodes)], lengths, rooted=False)
