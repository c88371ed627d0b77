"""A tree as a picture (inline SVG, as in `analysis.report.charts`) and as lines of text for the terminal."""

from collections.abc import Sequence

from analysis.report.canvas import ACCENT, INK, LINE, MUTED, Canvas
from analysis.report.hostile import visible
from analysis.report.language.catalogue import Language
from analysis.trees.tree import Tree

_STEP = 22  # CSS pixels a leaf
_COLUMNS = 44  # characters for the branches; more where the tree is deeper than that
_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
_BOXES = " ╴╶─╵┘└┴╷┐┌┬│┤├┼"
_ASCII_BOXES = " --- ++++++++|+++"


def tree_chart(
    tree: Tree,
    names: Sequence[str],
    families: Sequence[str | None],
    title: str,
    width: int,
    chart_id: str,
    say: Language,
) -> str:
    """The tree from left to right, `width` CSS pixels wide, support in percent on its branches.

    Models without a family are recordings, and stand out. Families stand at the right edge where there is room.
    """
    depth, row = tree.positions()
    roomy, recording = width >= 600, say.plain("tree.recording")
    label = min(8 * max(len(name) for name in names) + 10, width * (0.34 if roomy else 0.55))
    family = min(8 * max((len(one or recording) for one in families), default=0) + 10, width * 0.2) if roomy else 0
    unit = (width - label - family - 12) / max(max(depth), 1e-9)
    x, y = [4 + unit * one for one in depth], [14 + _STEP * one for one in row]
    height = _STEP * tree.n_leaves + 40
    with Canvas(width, height) as canvas:
        for node, below in enumerate(tree.children):
            if below:
                canvas.bar(x[node], y[below[0]] - 0.75, 1.5, y[below[-1]] - y[below[0]] + 1.5, MUTED)
        for node, parent in enumerate(tree.parents[:-1]):
            canvas.bar(x[parent], y[node] - 0.75, max(x[node] - x[parent], 1.5), 1.5, MUTED)
            share = tree.support[node]
            if share is not None and x[node] - x[parent] > 24:
                canvas.text(x[node] - 3, y[node] - 3, f"{100 * share:.0f}", colour=MUTED, align="right", size=10)
        for leaf, (name, of) in enumerate(zip(names, families, strict=True)):
            colour, weight = (INK, "normal") if of is not None else (ACCENT, "bold")
            canvas.text(x[leaf] + 5, y[leaf] + 4.5, visible(name, int(label // 7.5)), colour=colour, weight=weight)
            if roomy:
                shown = visible(of or recording, int(family // 7.5))
                canvas.text(width - 1, y[leaf] + 4.5, shown, colour=MUTED, align="right", size=12)
        canvas.bar(4, height - 16, unit * 0.1, 3, LINE)
        canvas.text(4, height - 22, say.plain("tree.scale"), colour=MUTED, size=10)
    order = sorted(range(tree.n_leaves), key=lambda leaf: row[leaf])
    leaves = "; ".join(visible(names[n], 40) for n in order)
    return canvas.svg(chart_id, title, say.plain("tree.leaves", names=leaves))


def tree_lines(tree: Tree, names: Sequence[str], ascii_only: bool = False) -> list[str]:
    """The tree from left to right in box-drawing characters, a line a leaf, support in percent where there is room."""
    depth, rows = tree.positions()
    row, children = [int(one) for one in rows], tree.children
    column = [0] * len(depth)
    for node in reversed(range(len(depth) - 1)):
        parent = column[tree.parents[node]]
        column[node] = max(round(_COLUMNS * depth[node] / max(max(depth), 1e-9)), parent + 1)
    lines = [[0] * (max(column) + 1) for _ in range(tree.n_leaves)]
    for node, below in enumerate(children):
        for child in below:
            _across(lines[row[child]], column[node], column[child])
        if below:
            _down(lines, column[node], row[below[0]], row[below[-1]])
    signs = _ASCII_BOXES if ascii_only else _BOXES
    drawn = [[signs[bits] for bits in one] for one in lines]
    for node, share in enumerate(tree.support):
        text = "" if share is None else f"{100 * share:.0f}"
        if text and column[node] - column[tree.parents[node]] > len(text):
            drawn[row[node]][column[node] - len(text) : column[node]] = list(text)
    leaves = sorted(range(tree.n_leaves), key=lambda leaf: row[leaf])
    return [f"{''.join(drawn[row[leaf]][: column[leaf] + 1]).rstrip()} {names[leaf]}" for leaf in leaves]


def _across(line: list[int], start: int, end: int) -> None:
    line[start] |= _RIGHT
    line[end] |= _LEFT
    for place in range(start + 1, end):
        line[place] |= _LEFT | _RIGHT


def _down(lines: list[list[int]], column: int, start: int, end: int) -> None:
    lines[start][column] |= _DOWN
    lines[end][column] |= _UP
    for place in range(start + 1, end):
        lines[place][column] |= _UP | _DOWN
