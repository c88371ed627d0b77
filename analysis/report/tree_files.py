"""A tree on the disk: Newick, distances, pictures, and all of it as JSON, from which a report draws it again."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from analysis.report.language.catalogue import Language
from analysis.report.tree_chart import tree_chart
from analysis.trees.family_tree import FamilyTree
from analysis.trees.midpoint import rooted_at_midpoint
from analysis.trees.newick import newick
from analysis.trees.tree import Tree
from probes.errors import KinprintError

SCHEMA = 1
JSON = "tree.json"
_WIDTH = 900  # CSS pixels
_COLOURS = "--ink:#18212c;--muted:#525e6c;--accent:#1a5c8a;--line:#dbe0e7"  # of the report's page, where it is light
KINDS = ("dendrogram", "neighbour_joining")


def save_tree(found: FamilyTree, folder: Path) -> None:
    """Write both trees as Newick and SVG, the distances as a tab-separated table, and `tree.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    say = Language.load("en")
    for name in KINDS:
        (folder / f"{name}.nwk").write_text(newick(getattr(found, name), found.names) + "\n", "utf-8")
        (folder / f"{name}.svg").write_text(_standing_alone(picture(found, name, _WIDTH, name, say)), "utf-8")
    rows = [["", *found.names]]
    rows += [[name, *(f"{d:.6f}" for d in row)] for name, row in zip(found.names, found.distances, strict=True)]
    (folder / "distances.tsv").write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")
    values = {"schema": SCHEMA, **asdict(found), "distances": found.distances.round(6).tolist()}
    (folder / JSON).write_text(json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def load_tree(folder: str | Path) -> FamilyTree:
    """The tree that `save_tree` wrote into a folder. Raises KinprintError if there is none, or it is damaged."""
    path = Path(folder) / JSON
    if not path.is_file():
        raise KinprintError(f"there is no {JSON} in {folder}; make one with 'kinprint tree out={folder}'")
    try:
        values = json.loads(path.read_text("utf-8"))
        if values.pop("schema") != SCHEMA:
            raise KinprintError(f"{path} has another schema than {SCHEMA}; make the tree again")
        trees = {name: _tree(values[name], len(values["names"])) for name in KINDS}
        lists = {name: tuple(values[name]) for name in ("names", "families", "channels")}
        found = FamilyTree(**{**values, **lists, **trees, "distances": np.array(values["distances"], np.float64)})
        if not len(found.names) == len(found.families) == len(found.distances):
            raise ValueError("it names more or fewer models than it has")
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise KinprintError(f"{path} is damaged ({error}); make the tree again with 'kinprint tree'") from error
    return found


def picture(found: FamilyTree, name: str, width: int, chart_id: str, say: Language) -> str:
    """One of the two trees as an inline SVG, `width` CSS pixels wide."""
    tree = found.dendrogram if name == "dendrogram" else rooted_at_midpoint(found.neighbour_joining)
    return tree_chart(tree, found.names, found.families, say.plain(f"tree.{name}"), width, chart_id, say)


def _tree(values: Mapping[str, Any], n_models: int) -> Tree:
    rooted = bool(values["rooted"])
    support = tuple(None if share is None else float(share) for share in values["support"])
    tree = Tree(tuple(values["parents"]), tuple(map(float, values["lengths"])), support, rooted)
    n = len(tree.parents)
    in_order = all(node < parent < n for node, parent in enumerate(tree.parents[:-1])) and tree.parents[-1] == -1
    known = np.isfinite([*tree.lengths, *(share for share in support if share is not None)]).all()
    if not (in_order and known and n == len(tree.lengths) == len(tree.support) and n_models == tree.n_leaves):
        raise ValueError("its nodes are no tree of its models")
    return tree


def _standing_alone(svg: str) -> str:
    """An inline picture as a file of its own."""
    style = f"<style>svg{{{_COLOURS};background:#fff}} text{{font-family:sans-serif}}</style>"
    start = svg.index(">") + 1
    return svg[:start].replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1) + style + svg[start:] + "\n"
