"""`kinprint report`: the verdict on a recording as one HTML file."""

from pathlib import Path

from analysis.attribute import attribute
from analysis.report.html import write_report
from analysis.report.tree_files import load_tree
from analysis.signature import signature
from probes.recording import load_recording
from runners.compose import settings_of
from runners.jobs.attribute import open_library, rules
from runners.settings import ReportSettings


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("report", ReportSettings, overrides)
    recording = load_recording(settings.recording)
    library = open_library(settings.library, settings.leave_out)
    verdict = attribute(signature(recording), library, rules(settings.estimator, settings.leave_out))
    tree = None if settings.tree is None else load_tree(settings.tree)
    print(write_report(verdict, recording, library, Path(settings.out), tree))
    return 0
