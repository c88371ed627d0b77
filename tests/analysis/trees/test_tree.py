"""Trees from distances: those of the textbook, of additive distances, of ties; and support that means what it says."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

from analysis.trees.midpoint import rooted_at_midpoint
from analysis.trees.newick import newick
from analysis.trees.tree import Tree, average_linkage, neighbour_joining
from analysis.trees.treelikeness import mean_delta

Matrix = npt.NDArray[np.float64]
# The five taxa with which neighbour joining is taught; their tree is known by hand.
TAUGHT = np.array([[0, 5, 9, 9, 8], [5, 0, 10, 10, 9], [9, 10, 0, 8, 7], [9, 10, 8, 0, 3], [8, 9, 7, 3, 0]], float)


def paths(tree: Tree) -> Matrix:
    """The distances between leaves along the branches."""
    n = tree.n_leaves
    above: list[dict[int, float]] = []
    for leaf in range(n):
        node, far, seen = leaf, 0.0, {leaf: 0.0}
        while tree.parents[node] >= 0:
            far += tree.lengths[node]
            node = tree.parents[node]
            seen[node] = far
        above.append(seen)

    def between(one: dict[int, float], other: dict[int, float]) -> float:
        return min(one[node] + other[node] for node in one.keys() & other.keys())

    return np.array([[between(one, other) for other in above] for one in above])


def random_tree(n: int, seed: int) -> Tree:
    """An additive tree without a root: leaves joined at random, branches of at least 0.1."""
    generator = np.random.default_rng(seed)
    nodes, children = list(range(n)), []
    while len(nodes) > 3:
        pair = sorted(generator.choice(len(nodes), 2, replace=False).tolist(), reverse=True)
        children.append(tuple(nodes.pop(place) for place in pair))
        nodes.append(n + len(children) - 1)
    lengths = dict(enumerate(0.1 + generator.random(2 * n)))
    return Tree.grown([*children, tuple(nodes)], lengths, rooted=False)


def test_the_tree_that_is_taught() -> None:
    assert newick(neighbour_joining(TAUGHT), "abcde") == "('d':2,'e':1,('c':4,('a':2,'b':3):3):2);"


@given(st.integers(4, 14), st.integers(0, 10_000))
def test_additive_distances_give_back_their_tree(n: int, seed: int) -> None:
    made = random_tree(n, seed)
    found = neighbour_joining(paths(made))
    assert found.groups().keys() == made.groups().keys()
    np.testing.assert_allclose(paths(found), paths(made), atol=1e-9)


@given(st.integers(2, 12), st.integers(0, 10_000))
def test_a_dendrogram_is_what_scipy_makes(n: int, seed: int) -> None:
    condensed = np.random.default_rng(seed).random(n * (n - 1) // 2) + 0.1
    found = average_linkage(squareform(condensed))
    np.testing.assert_allclose(squareform(paths(found), checks=False), cophenet(linkage(condensed, "average")))


@given(st.integers(2, 14), st.integers(0, 10_000))
def test_a_root_in_the_middle_changes_no_distance(n: int, seed: int) -> None:
    tree = neighbour_joining(squareform(np.random.default_rng(seed).random(n * (n - 1) // 2) + 0.1))
    hung = rooted_at_midpoint(tree)
    np.testing.assert_allclose(paths(hung), paths(tree), atol=1e-9)
    depths = sorted(hung.positions()[0][:n])
    assert depths[-1] == pytest.approx(paths(tree).max() / 2)
    assert hung.rooted


def test_distances_of_a_tree_have_no_delta() -> None:
    assert mean_delta(paths(random_tree(9, 0))) == pytest.approx(0, abs=1e-9)
    assert mean_delta(paths(random_tree(40, 0))) == pytest.approx(0, abs=1e-9)  # too many quartets for all of them
    noise = squareform(np.random.default_rng(0).random(40 * 39 // 2))
    assert mean_delta(noise) == pytest.approx(0.5, abs=0.1)
    assert mean_delta(np.zeros((5, 5))) is None
    assert mean_delta(TAUGHT[:3, :3]) is None


def test_two_and_three_models() -> None:
    two, three = TAUGHT[:2, :2], TAUGHT[:3, :3]
    assert newick(neighbour_joining(two), "ab") == newick(average_linkage(two), "ab") == "('a':2.5,'b':2.5);"
    assert newick(rooted_at_midpoint(neighbour_joining(two)), "ab") == "('a':2.5,'b':2.5);"
    assert newick(neighbour_joining(three), "abc") == "('a':2,'b':3,'c':7);"


def test_ties_are_no_groups() -> None:
    """Three copies of one model: whichever two are joined first, nothing speaks for it, in any replicate."""
    far = np.array([[0.0, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 0]])
    for grow in (neighbour_joining, average_linkage):
        tree = grow(far).supported_by([grow(far)] * 3)
        assert list(tree.groups()) == [0b01110]
        assert tree.sets_apart([1, 2, 3])
        assert not tree.sets_apart([1, 2])
        assert [share for share in tree.support if share is not None] == [1.0]
        assert rooted_at_midpoint(grow(np.zeros((5, 5)))).groups() == {}


def test_support_is_the_share_of_replicates_with_the_branch() -> None:
    other = TAUGHT[np.ix_([0, 2, 1, 3, 4], [0, 2, 1, 3, 4])]  # b and c changed places
    tree = neighbour_joining(TAUGHT).supported_by(neighbour_joining(one) for one in [TAUGHT, TAUGHT, other, TAUGHT])
    support = {group: tree.support[node] for group, node in tree.groups().items()}
    assert support == {0b11100: 0.75, 0b11000: 1.0}
    hung = rooted_at_midpoint(tree)  # the branch that the root parts is now two
    assert sorted(share for share in hung.support if share is not None) == [0.75, 0.75, 1.0]


def test_no_replicates_are_no_support() -> None:
    assert set(neighbour_joining(TAUGHT).supported_by([]).support) == {None}


def test_hostile_names_stay_names() -> None:
    names = ["a:1,(b)", "it's", "[comment];", " ", "')100('"]
    line = newick(average_linkage(TAUGHT), names)
    assert line.count("\n") == 0
    assert _read_names(line) == sorted(names)


def _read_names(line: str) -> list[str]:
    """The quoted names of a Newick line, as a reader takes them; outside of them there is nothing but the format."""
    names, rest = [], line
    outside = ""
    while "'" in rest:
        before, rest = rest.split("'", 1)
        outside += before
        name = ""
        while True:
            part, rest = rest.split("'", 1)
            name += part
            if not rest.startswith("'"):
                break
            name, rest = name + "'", rest[1:]
        names.append(name)
    assert set(outside + rest) <= set("(),:;.0123456789")
    return sorted(names)
