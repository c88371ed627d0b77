"""`kinprint explain`: which channels and canaries told what of a recording, as a tab-separated table."""

import sys
from dataclasses import dataclass

from analysis.attribution.attribute import attribute
from analysis.attribution.explanation import HEADINGS, explanation, shown_rows
from analysis.attribution.pair_evidence import pair_evidence
from analysis.signatures.signature import signature
from probes.errors import LibraryError
from probes.recording import load_recording
from runners.compose import settings_of
from runners.jobs.attribute import open_library, rules
from runners.settings import EstimatorSettings, LeaveOutSettings, LibrarySettings


@dataclass
class ExplainSettings:
    """`kinprint explain`: which channels and canaries told what of a recording."""

    recording: str
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("explain", ExplainSettings, overrides)
    candidate = signature(load_recording(settings.recording))
    rule = rules(settings.estimator, settings.leave_out)
    try:
        verdict = attribute(candidate, open_library(settings.library, settings.leave_out), rule)
        print(f"kinprint: {verdict.in_words()}", file=sys.stderr)
        rows = explanation(verdict)
    except LibraryError as error:
        rows = shown_rows(pair_evidence(candidate, [], rule.switched_off))
        if not rows:
            raise
        print(f"kinprint: only what the recording shows by itself: {error}", file=sys.stderr)
    print(*HEADINGS, sep="\t")
    for row in rows:
        print(*row.cells(), sep="\t")
    return 0
