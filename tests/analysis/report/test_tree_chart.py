"""Trees as pictures and as lines: every model once, support on its branch, and nothing that overlaps."""

import io
from xml.etree import ElementTree

import numpy as np
from rich.console import Console

from analysis.report.language.catalogue import Language
from analysis.report.tree_chart import tree_chart, tree_lines
from analysis.report.tree_terminal import show_tree
from analysis.trees.family_tree import FamilyTree
from analysis.trees.tree import average_linkage, neighbour_joining

FAR = np.array([[0, 0.2, 0.9, 0.9], [0.2, 0, 0.9, 0.9], [0.9, 0.9, 0, 0.4], [0.9, 0.9, 0.4, 0]])
SAY = Language.load("en")
NAMES = ("a", "b", "c", "d")
TREE = average_linkage(FAR).supported_by([average_linkage(FAR)] * 4)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def test_the_picture_names_every_model_and_its_family() -> None:
    wide = tree_chart(TREE, NAMES, ("one", "one", "two", None), "A tree", 760, "t", SAY)
    assert sorted(texts(wide)) == sorted([*NAMES, "one", "one", "two", "recording", "100", "100", "distance 0.1"])
    narrow = tree_chart(TREE, NAMES, ("one", "one", "two", None), "A tree", 330, "t", SAY)
    assert set(NAMES) <= set(texts(narrow))
    assert "recording" not in texts(narrow)
    assert wide == tree_chart(TREE, NAMES, ("one", "one", "two", None), "A tree", 760, "t", SAY)


def test_lines_of_text() -> None:
    lines = tree_lines(TREE, NAMES)
    assert [line[-1] for line in lines] == list(NAMES)
    assert len({len(line) for line in lines}) == 1  # a dendrogram ends in one column
    assert lines[0].startswith("┌─")
    assert [line.count("100┬") for line in lines] == [1, 0, 1, 0]
    assert lines[0].index("┬") == lines[1].index("└") > lines[2].index("┬") == lines[3].index("└")
    assert all(line.isascii() for line in tree_lines(TREE, NAMES, ascii_only=True))


def test_a_terminal_without_unicode_is_given_none() -> None:
    found = FamilyTree(
        names=(*NAMES[:3], "é[bold]"),
        families=("one", "one", None, None),
        distances=FAR,
        dendrogram=TREE,
        neighbour_joining=neighbour_joining(FAR),
        canaries=9,
        tier="text",
        channels=("greedy",),
        library="tiny",
        replicates=4,
        left_out={"x": "it was asked other prompts", "y": "it was asked other prompts"},
        delta=None,
    )
    raw = io.BytesIO()
    plain = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    show_tree(found, Console(file=plain, highlight=False))
    said = raw.getvalue().decode("ascii")
    assert "\\xe9[bold] [recording]" in said
    assert "Left out: x and 1 more: it was asked other prompts" in said
