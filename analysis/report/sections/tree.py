"""The tree of the references and the recordings beside them, as it was given."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.material import WIDTHS, Chart, Material, Section
from analysis.report.tree_files import KINDS, picture


@dataclass(frozen=True)
class Tree(Section):
    """A title and a chart a kind of tree."""

    cautions: list[Markup]
    charts: list[tuple[Markup, Chart]]


def section(material: Material) -> Tree | None:
    """None where no tree was given."""
    say, tree = material.say, material.tree
    if tree is None:
        return None
    charts: list[tuple[Markup, Chart]] = [
        (
            say(f"tree.{kind}"),
            {size: Markup(picture(tree, kind, width, f"{kind}-{size}", say)) for size, width in WIDTHS.items()},
        )
        for kind in KINDS
    ]
    lede = say("tree.lede", n=len(tree.names), canaries=tree.canaries, tier=tree.tier)
    return Tree(say("tree.title"), lede, [say("tree.caution_1"), say("tree.caution_2")], charts)
