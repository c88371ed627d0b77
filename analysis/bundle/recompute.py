"""The verdict again, from the files of a bundle and from nothing else. The code is the reader's own."""

from dataclasses import replace
from pathlib import Path

from analysis.attribution.attribute import attribute
from analysis.bundle.basis import Basis
from analysis.descent.ancestry import descent
from analysis.libraries.library import Library
from analysis.signatures.signature import signature
from analysis.verdict import Verdict
from probes.recording import Recording, load_recording

RECORDING = "recording"


def recompute(bundle: Path, basis: Basis) -> tuple[Verdict, Recording, Library]:
    """The verdict on the recording in the folder of a bundle, and what a report of it is written from.

    Raises KinprintError if something is missing or damaged, or the rules can't be followed.
    """
    recording, library = load_recording(bundle / RECORDING), basis.library.open(bundle)
    kinship = None if basis.rules.kinship is None else str(bundle / basis.rules.kinship)
    verdict = attribute(signature(recording), library, replace(basis.rules, kinship=kinship))
    verdict = replace(verdict, stopped_because=recording.manifest.suite.get("stopped_because"))
    if basis.controls is not None:
        found = descent(recording, basis.controls.open(bundle), basis.parents, basis.alpha)
        verdict = replace(verdict, descent=found)
    return verdict, recording, library
