"""`kinprint report`: the verdict on a recording as one HTML file."""

from pathlib import Path

from analysis.attribution.posterior_growth import posterior_growth
from analysis.report.html import write_report
from analysis.report.language.catalogue import Language
from analysis.report.tree_files import load_tree
from analysis.report.weight_measures import WeightMeasures
from analysis.signatures.signature import signature
from probes.recording import load_recording
from runners.compose import settings_of
from runners.jobs.attribute import open_library, rules, verdict_on
from runners.settings import ReportSettings


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("report", ReportSettings, overrides)
    Language.load(settings.report.language)  # what can't be written is said before anything is worked out
    tree = None if settings.tree is None else load_tree(settings.tree)
    weights = None if settings.weights is None else WeightMeasures.load(settings.weights)
    recording = load_recording(settings.recording)
    library = open_library(settings.library, settings.leave_out)
    candidate, rule = signature(recording), rules(settings.estimator, settings.leave_out)
    verdict = verdict_on(recording, candidate, library, rule, settings)
    growth = posterior_growth(candidate, library, rule, verdict)
    out, language = Path(settings.out), settings.report.language
    print(write_report(verdict, recording, library, out, tree, weights=weights, growth=growth, language=language))
    return 0
