"""`kinprint tree`: references and recordings as a dendrogram and a neighbour-joining tree."""

from dataclasses import dataclass
from pathlib import Path

from analysis.report.tree_files import save_tree
from analysis.report.tree_terminal import show_tree
from analysis.trees.family_tree import family_tree
from probes.recording import load_recording
from runners.compose import settings_of
from runners.jobs.attribute import open_library, rules
from runners.settings import EstimatorSettings, LeaveOutSettings, LibrarySettings


@dataclass
class TreeSettings:
    """`kinprint tree`: a library and recordings as trees, see `analysis.trees.family_tree.family_tree`."""

    recordings: list[str]
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings
    like: str | None
    replicates: int
    seed: int
    out: str


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("tree", TreeSettings, overrides)
    found = family_tree(
        open_library(settings.library, settings.leave_out),
        [load_recording(folder) for folder in settings.recordings],
        settings.like,
        rules(settings.estimator),
        settings.replicates,
        settings.seed,
    )
    save_tree(found, Path(settings.out))
    show_tree(found)
    print(settings.out)
    return 0
