"""`kinprint attribute`: say which family a recording descends from."""

from dataclasses import asdict, replace
from pathlib import Path

from analysis.attribution.attribute import attribute
from analysis.attribution.rules import Rules, without_tokenizer
from analysis.descent.ancestry import descent
from analysis.kinship.fitted import SHIPPED as SHIPPED_KINSHIP
from analysis.libraries.library import SHIPPED, ZOO, Library
from analysis.libraries.lineage import load_lineage
from analysis.signatures.signature import Signature, signature
from analysis.verdict import Verdict
from probes.errors import KinprintError
from probes.recording import Recording, load_recording
from runners.compose import settings_of
from runners.library.opening import nearest
from runners.settings import AttributeSettings, EstimatorSettings, LeaveOutSettings, LibrarySettings, ReportSettings


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("attribute", AttributeSettings, overrides)
    recording = load_recording(settings.recording)
    candidate, rule = signature(recording), rules(settings.estimator, settings.leave_out)
    library = nearest(candidate, settings.library, settings.leave_out, rule)
    library = library or open_library(settings.library, settings.leave_out)
    verdict = verdict_on(recording, candidate, library, rule, settings)
    if settings.out is not None:
        verdict.save(Path(settings.out) / "verdict.json")
        if settings.report:
            from analysis.attribution.posterior_growth import posterior_growth
            from analysis.report.html import write_report

            growth = posterior_growth(candidate, library, rule, verdict)
            write_report(verdict, recording, library, Path(settings.out) / "report.html", growth=growth)
    verdict.show()
    return 0


def verdict_on(
    recording: Recording,
    candidate: Signature,
    library: Library,
    rule: Rules,
    settings: AttributeSettings | ReportSettings,
) -> Verdict:
    """The verdict on a recording, whose signature `candidate` is, with the test of descent from the parents named."""
    verdict = attribute(candidate, library, rule)
    verdict = replace(verdict, stopped_because=recording.manifest.suite.get("stopped_because"))
    if not settings.parents:
        return verdict
    controls = open_library(settings.controls, LeaveOutSettings())
    return replace(verdict, descent=descent(recording, controls, settings.parents, checked_alpha(settings.alpha)))


def checked_alpha(alpha: float) -> float:
    """The level of a test. Raises KinprintError if it is none."""
    if not 0 < alpha < 0.5:
        raise KinprintError(f"alpha must lie between 0 and 0.5; it is {alpha}")
    return alpha


def open_library(library: LibrarySettings, leave_out: LeaveOutSettings) -> Library:
    """The library, less what is to be left out."""
    path = {None: SHIPPED, "shipped:zoo": ZOO}.get(library.path, library.path)
    if library.lineage is None:
        opened = Library.load(path)
    else:
        opened = Library.of_recordings(path, load_lineage(Path(library.lineage)))
    return opened.without(leave_out.families, leave_out.techniques, leave_out.names)


def rules(estimator: EstimatorSettings, leave_out: LeaveOutSettings | None = None) -> Rules:
    """The rules of the verdict, from the settings.

    What ships was learned from those that may be left out: then kinship is learned from what is left, without the
    tokenizer. Raises KinprintError if no channel remains.
    """
    values = {**asdict(estimator), "channels": tuple(estimator.channels), "switched_off": tuple(estimator.switched_off)}
    found = Rules(**values)
    left_out = leave_out is not None and bool(leave_out.families or leave_out.techniques or leave_out.names)
    if not left_out or found.kinship != SHIPPED_KINSHIP:
        return found
    if not without_tokenizer(found.channels):
        raise KinprintError(
            f"estimator.channels={list(found.channels)} all depend on the tokenizer, and with leave_out it is not "
            "known what sharing one is worth; add another channel"
        )
    return replace(found, kinship=None, channels=without_tokenizer(found.channels))
