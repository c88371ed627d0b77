"""The page over a batch: sorted without scripts, outliers told from the tree, and nothing of anybody's text alive."""

import re
from pathlib import Path

import numpy as np
import pytest

from analysis.report.batch_page import Candidate, nearest, outliers, write_batch_page
from analysis.trees.family_tree import FamilyTree
from analysis.trees.tree import average_linkage, neighbour_joining
from tests.analysis.report.everything import SPOILT

FAR = "far off"


def tree(names: list[str], families: list[str | None], places: list[float]) -> FamilyTree:
    """Models on a line, as far apart as their places."""
    at = np.array(places)
    distances = np.abs(at[:, None] - at[None, :])
    return FamilyTree(
        names=tuple(names),
        families=tuple(families),
        distances=distances,
        dendrogram=average_linkage(distances),
        neighbour_joining=neighbour_joining(distances),
        canaries=24,
        tier="topk",
        channels=("next_token",),
        library="made-up",
        replicates=0,
        left_out={},
        delta=None,
    )


@pytest.fixture
def line() -> FamilyTree:
    names = ["a", "b", "c", "d", f"mine{SPOILT}", FAR]
    return tree(names, ["x", "x", "y", "y", None, None], [0.0, 0.1, 0.2, 0.3, 0.41, 0.9])


def test_the_nearest_and_the_outliers(line: FamilyTree) -> None:
    near = nearest(line)
    assert {name: one.name for name, one in near.items()} == {f"mine{SPOILT}": "d", FAR: f"mine{SPOILT}"}
    assert near[FAR].distance == pytest.approx(0.49)
    found = outliers(line)
    assert found.names == (FAR,)
    closest = [0.1, 0.1, 0.1, 0.1, 0.11, 0.49]
    low, high = np.quantile(closest, [0.25, 0.75])
    assert found.fence == pytest.approx(high + 1.5 * (high - low))


def test_the_page(line: FamilyTree, tmp_path: Path) -> None:
    mine = f"mine{SPOILT}"
    candidates = [
        Candidate(FAR, why="b", leaf=FAR),
        Candidate(mine, why=f"c{SPOILT}", report="reports/m%20e.html", leaf=mine),
    ]
    path = write_batch_page([*candidates, Candidate("Alone")], line, "", tmp_path / "batch.html", f"from {SPOILT}")
    page = path.read_text("utf-8")
    assert not re.findall(r"<(script|img)\b|https?://(?!www\.w3\.org)", page)
    assert 'href="reports/m%20e.html"' in page
    assert "3 failed" in page
    by_name = re.findall(r'style="--r0:(\d+);.*?role="rowheader"', page)
    assert by_name == ["1", "2", "0"]  # Alone, far off, mine
    assert re.findall(r"--r5:(\d+);--b5:(\d+)", page) == [("1", "0"), ("0", "1"), ("2", "2")]  # not in the tree: last
    assert page.count("</li>") == 1 + 3  # the outlier, and those without a verdict
    assert page.count("<svg") == 2


def test_without_a_tree_it_says_why(tmp_path: Path) -> None:
    page = write_batch_page([Candidate("one")], None, "too few <b>canaries", tmp_path / "x.html", "").read_text("utf-8")
    assert page.count("too few &lt;b&gt;canaries") == 2
    assert "<svg" not in page
