"""A root for a tree that has none: in the middle of its longest path (Farris 1972). For drawing; it claims nothing."""

from dataclasses import replace

from analysis.trees.tree import Tree

Edges = dict[int, dict[int, tuple[float, float | None]]]
"""By node, its neighbours, with the length and the support of the branch to them."""


def rooted_at_midpoint(tree: Tree) -> Tree:
    """The same tree hung up in the middle of its longest path; a tree of two models is so already."""
    if tree.n_leaves < 3:
        return replace(tree, rooted=True)
    edges, root = _edges(tree), len(tree.parents)
    one = max(_walk(edges, 0).items(), key=lambda row: (row[1][0], -row[0]))[0]
    from_one = _walk(edges, one)
    node = max((other for other in from_one if other != one), key=lambda other: (from_one[other][0], -other))
    half = from_one[node][0] / 2
    while from_one[from_one[node][1]][0] > half:
        node = from_one[node][1]
    above = from_one[node][1]
    length, support = edges[node].pop(above)
    del edges[above][node]
    down = from_one[node][0] - half
    edges[root] = {}
    for neighbour, part in ((node, down), (above, length - down)):
        edges[root][neighbour] = edges[neighbour][root] = (max(part, 0.0), support)
    return _hung(edges, root, tree.n_leaves)


def _edges(tree: Tree) -> Edges:
    edges: Edges = {node: {} for node in range(len(tree.parents))}
    for node, parent in enumerate(tree.parents[:-1]):
        edges[node][parent] = edges[parent][node] = (tree.lengths[node], tree.support[node])
    return edges


def _walk(edges: Edges, start: int) -> dict[int, tuple[float, int]]:
    """Each node's distance from `start`, and the node before it; in an order in which that one comes first."""
    found, waiting = {start: (0.0, start)}, [start]
    while waiting:
        node = waiting.pop()
        for neighbour, (length, _) in edges[node].items():
            if neighbour not in found:
                found[neighbour] = (found[node][0] + length, node)
                waiting.append(neighbour)
    return found


def _hung(edges: Edges, root: int, n_leaves: int) -> Tree:
    """Numbered anew, from the leaves up, with everything below `root`."""
    walked = _walk(edges, root)
    inner = [node for node in reversed(walked) if node >= n_leaves]
    number = {**{leaf: leaf for leaf in range(n_leaves)}, **{node: n_leaves + n for n, node in enumerate(inner)}}
    order = sorted(number, key=lambda node: number[node])
    above = [(0.0, None) if node == root else edges[node][walked[node][1]] for node in order]
    return Tree(
        tuple(-1 if node == root else number[walked[node][1]] for node in order),
        tuple(length for length, _ in above),
        tuple(None if node < n_leaves else support for node, (_, support) in zip(order, above, strict=True)),
        rooted=True,
    )
