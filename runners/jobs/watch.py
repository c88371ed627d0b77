"""`kinprint watch`: repeat a few border canaries on a schedule, and say as soon as the model behind them has
changed."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from probes.recording import load_recording
from probes.suite import load_suite
from runners.compose import construct, settings_of
from runners.jobs.attribute import open_library
from runners.jobs.collect import limits, name_of, sampling, serving
from runners.record import command_line
from runners.settings import (
    BudgetSettings,
    CandidateSettings,
    LeaveOutSettings,
    LibrarySettings,
    SuiteSettings,
    TierSettings,
)
from runners.watching import Watching


@dataclass
class WatchSettings:
    """`kinprint watch`: repeat a few canaries, and notice a change; see `runners.watching.Watching`."""

    candidate: CandidateSettings
    backend: dict[str, Any]
    suite: SuiteSettings
    tier: TierSettings
    budget: BudgetSettings
    library: LibrarySettings
    out: str
    against: str | None
    rounds: int
    interval_seconds: float
    alpha: float
    canaries: int
    baseline: int
    margin: float
    seed: int


def main(overrides: list[str]) -> int:
    """The command line's entry: 0 quiet, 1 changed."""
    settings = settings_of("watch", WatchSettings, overrides)
    watching = watching_of(settings, command_line("watch", overrides))
    drift = watching.run(settings.rounds, settings.interval_seconds)
    if drift.noticed is not None:
        print(f"changed: noticed after {drift.noticed} answers (e-value {drift.value:.3g}, alpha {drift.alpha:g})")
        return 1
    print(f"quiet: no change seen in {drift.queries} answers (e-value {drift.value:.3g}, alpha {drift.alpha:g})")
    return 0


def watching_of(settings: WatchSettings, made_by: dict[str, str]) -> Watching:
    """Wire backend, recording, library and watch."""
    against = None if settings.against is None else load_recording(settings.against)
    candidate = serving(settings.candidate)
    samples = None if settings.tier.draws else settings.tier.draws  # beside logprobs they would not be looked at
    return Watching(
        backend=lambda: construct(settings.backend, **candidate),
        candidate=name_of(settings.candidate),
        out=Path(settings.out),
        sampling=replace(sampling(settings.tier, settings.seed), positions="last", draws=samples),
        suite=load_suite(settings.suite.path) if against is None else against.suite,
        library=open_library(settings.library, LeaveOutSettings()),
        against=against,
        canaries=settings.canaries,
        baseline=settings.baseline,
        alpha=settings.alpha,
        margin=settings.margin,
        limits=limits(settings.budget),
        made_by=made_by,
    )
