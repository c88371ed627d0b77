"""`kinprint demo`: a disguised descendant of a real model is served, asked and attributed; then an unknown."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.attribution.attribute import attribute
from analysis.attribution.posterior_growth import Step, posterior_growth
from analysis.libraries.library import Library
from analysis.report.html import write_report
from analysis.signatures.signature import signature
from analysis.verdict import Verdict
from probes.errors import LibraryError
from probes.recording import Recording
from runners.compose import construct, settings_of
from runners.jobs.attribute import open_library, rules
from runners.jobs.collect import sampling, serving
from runners.progress import say
from runners.record import command_line, record
from runners.settings import (
    CandidateSettings,
    EstimatorSettings,
    LeaveOutSettings,
    LibrarySettings,
    SuiteSettings,
    TierSettings,
)
from runners.suites import suite_of
from runners.zoo.anonymise import anonymise
from runners.zoo.derive import add_noise, round_weights

CANDIDATE = "mystery-model"


@dataclass
class DemoSettings:
    """`kinprint demo`: a disguised descendant of a real model, served, asked and attributed; then an unknown."""

    parent: str
    bits: int
    noise: float
    backend: dict[str, Any]
    suite: SuiteSettings
    tier: TierSettings
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings
    unknown: str
    out: str
    seed: int


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("demo", DemoSettings, overrides)
    out = Path(settings.out)
    library = open_library(settings.library, settings.leave_out)
    say(f"1/4  disguising {settings.parent}: {settings.bits}-bit rounding, noise, and no name left in its files")
    model = disguise(settings, out / "candidate")
    say(f"2/4  serving it with vLLM and asking the suite {settings.suite.path!r}")
    recording = ask(settings, model, out / "recording", command_line("demo", overrides))
    say("3/4  whose descendant is it?")
    candidate, rule = signature(recording), rules(settings.estimator, settings.leave_out)
    verdict = attribute(candidate, library, rule)
    save(verdict, recording, library, out, posterior_growth(candidate, library, rule, verdict))
    say(f"4/4  and {settings.unknown}, with its family taken out of the library?")
    save_unknown(settings, library, out / "unknown")
    say(f"written: {out / 'verdict.json'}, {out / 'report.html'}, {out / 'unknown' / 'verdict.json'}")
    return 0


def disguise(settings: DemoSettings, folder: Path) -> Path:
    """Round and noise the parent's weights, and strip every name: what somebody would do who passes it off as new."""
    parent = Path(serving(CandidateSettings(f"zoo:{settings.parent}"))["model"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    rounded = folder.with_name(folder.name + "-rounded")
    shutil.rmtree(rounded, ignore_errors=True)
    round_weights(parent, rounded, settings.bits)
    add_noise(rounded, folder, settings.noise, settings.seed)
    shutil.rmtree(rounded)
    anonymise(folder)
    return folder


def ask(settings: DemoSettings, model: Path, folder: Path, made_by: dict[str, str]) -> Recording:
    """Serve the model and ask it afresh, whatever an earlier demo left."""
    shutil.rmtree(folder, ignore_errors=True)
    backend = construct(settings.backend, **serving(CandidateSettings(str(model))))
    how = sampling(settings.tier, settings.seed)
    return record(backend, suite_of(settings.suite), how, folder, CANDIDATE, made_by)


def save(verdict: Verdict, recording: Recording, library: Library, out: Path, growth: Sequence[Step] = ()) -> None:
    """Write verdict and report into a folder, and show the verdict."""
    verdict.save(out / "verdict.json")
    write_report(verdict, recording, library, out / "report.html", growth=growth)
    verdict.show()


def save_unknown(settings: DemoSettings, library: Library, out: Path) -> None:
    """Attribute a shipped recording as if its family had never been in the library."""
    known = {member.name: member for member in library.members}
    if settings.unknown not in known:
        raise LibraryError(f"unknown={settings.unknown!r} is no reference of the library; it has {sorted(known)}")
    member = known[settings.unknown]
    recording = library.recording(member)
    strangers = library.without(families=[member.family])
    left_out = replace(settings.leave_out, families=[*settings.leave_out.families, member.family])
    verdict = attribute(signature(recording), strangers, rules(settings.estimator, left_out))
    save(verdict, recording, strangers, out)
