"""`kinprint bundle`: a recording, its verdict and all that this rests on, in one signed file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.bundle.basis import SETTINGS, Basis
from analysis.bundle.commitment import PLAN, TIMESTAMP
from analysis.bundle.contents import Asked, gather
from analysis.bundle.envelope import keyid_of
from analysis.bundle.kept import sentences
from analysis.bundle.seal import seal
from analysis.report.words import sentence
from analysis.verdict import Verdict
from probes.errors import KinprintError
from probes.recording import Recording, load_recording
from runners.compose import settings_of
from runners.jobs.attribute import checked_alpha, open_library, rules
from runners.progress import say
from runners.settings import JudgedSettings, LeaveOutSettings
from runners.signing_key import private_key


@dataclass
class BundleSettings(JudgedSettings):
    """`kinprint bundle`: pack the verdict on a recording, with all that it rests on."""

    key: str
    plan: str | None
    timestamp: str | None
    out: str


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("bundle", BundleSettings, overrides)
    out = Path(settings.out)
    if out.is_dir():
        raise KinprintError(f"out={out} is a folder; name the file to write")
    key, recording = private_key(Path(settings.key)), load_recording(settings.recording)
    asked = Asked(
        rules=rules(settings.estimator, settings.leave_out),
        library=open_library(settings.library, settings.leave_out),
        controls=open_library(settings.controls, LeaveOutSettings()),
        parents=settings.parents,
        alpha=checked_alpha(settings.alpha),
        left_out=asdict(settings.leave_out),
    )
    verdict, of_plan = pack(recording, asked, key, out, _beside(settings))
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB; {sentence(verdict)}")
    for one in (*(test.in_words(recording.manifest.candidate) for test in verdict.descent), *of_plan):
        say(one)
    print(out)
    return 0


def pack(
    recording: Recording, asked: Asked, key: Ed25519PrivateKey, out: Path, beside: Mapping[str, bytes] | None = None
) -> tuple[Verdict, tuple[str, ...]]:
    """Judge a recording and write the bundle to `out`; returns the verdict, and what a plan `beside` amounts to."""
    with TemporaryDirectory(prefix="kinprint-") as name:
        folder = Path(name)
        verdict = gather(recording, asked, folder, beside)
        basis = Basis.of_entry(json.loads((folder / SETTINGS).read_bytes()))
        of_plan = sentences(folder, recording, basis, keyid_of(key.public_key()))
        seal(folder, key, out)
    return verdict, of_plan


def _beside(settings: BundleSettings) -> dict[str, bytes]:
    """The plan and its timestamp, by the names that they have in a bundle."""
    given = {PLAN: settings.plan, TIMESTAMP: settings.timestamp}
    return {name: Path(path).read_bytes() for name, path in given.items() if path is not None}
