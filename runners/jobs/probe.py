"""`kinprint probe`: ask one candidate batch by batch, and stop as soon as the answer is sure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, get_args

from analysis.report.hostile import NAME_LIMIT, visible
from analysis.sequential.descent_probe import DescentProbe
from analysis.sequential.family import FIRST, Order, usual_order
from analysis.sequential.family_probe import FamilyProbe
from analysis.sequential.family_replay import How
from analysis.sequential.outcome import Look, Outcome
from analysis.signatures.observation import Access
from probes.canary import Canary
from probes.errors import KinprintError
from probes.recording import Recording
from runners.budget import Budget
from runners.compose import construct, settings_of
from runners.jobs.attribute import checked_alpha, open_library, rules
from runners.jobs.collect import limits, name_of, sampling, serving
from runners.progress import say, waiting
from runners.record import command_line, record
from runners.settings import (
    BudgetSettings,
    CandidateSettings,
    EstimatorSettings,
    LeaveOutSettings,
    LibrarySettings,
    SuiteSettings,
    TierSettings,
)
from runners.suites import suite_of

OUTCOME = "probe.json"
COLUMNS = ("canaries", "leading", "value", "p_value", "e_value")
Probe = FamilyProbe | DescentProbe


@dataclass
class ProbeSettings:
    """`kinprint probe`: ask until the answer is sure. `goal` is `family` or `descent` (from `parent`)."""

    candidate: CandidateSettings
    backend: dict[str, Any]
    suite: SuiteSettings
    tier: TierSettings
    budget: BudgetSettings
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings
    goal: str
    parent: str | None
    alpha: float
    out: str
    batch: int
    most: int
    order: str | None
    seed: int


def main(overrides: list[str]) -> int:
    """The command line's entry; 0 whatever the decision."""
    settings = settings_of("probe", ProbeSettings, overrides)
    path = Path(settings.out) / OUTCOME
    shown = Shown(probe_of(settings), name_of(settings.candidate), path)
    recording = run(settings, shown, command_line("probe", overrides))
    if shown.asked:
        shown.save(recording.manifest.queries)
    elif not path.is_file():
        raise KinprintError(f"{recording.folder} is a finished recording without {OUTCOME}; choose another 'out'")
    for warning in shown.outcome.warnings if shown.asked else ():
        say(f"warning: {warning}")
    print(shown.outcome.in_words() if shown.asked else f"see {path}")
    return 0


def run(settings: ProbeSettings, shown: "Shown", made_by: dict[str, str]) -> Recording:
    """Wire suite, backend, budget, steps and recording."""
    how = replace(sampling(settings.tier, settings.seed), draws=False)
    return record(
        construct(settings.backend, **serving(settings.candidate)),
        suite_of(settings.suite),
        how,
        Path(settings.out),
        name_of(settings.candidate),
        made_by,
        settings.candidate.model,
        Budget(limits(settings.budget)),
        steps=shown,
    )


def probe_of(settings: ProbeSettings) -> Probe:
    """What asks, from the settings. Raises KinprintError on a setting that makes no sense."""
    if settings.goal not in ("family", "descent"):
        raise KinprintError(f"goal must be family or descent; it is {settings.goal!r}")
    how = How(_order(settings), settings.batch, settings.most, seed=settings.seed)
    fewest = FIRST.get(settings.tier.name, FIRST["topk"])
    if not 1 <= how.batch <= how.most or how.most < fewest:
        raise KinprintError(
            f"batch must be at least 1, and most at least batch and {fewest}; they are {how.batch} and {how.most}"
        )
    library, alpha = open_library(settings.library, settings.leave_out), checked_alpha(settings.alpha)
    if settings.goal == "descent":
        if settings.parent is None:
            raise KinprintError("goal=descent needs a parent=NAME: the reference that it may descend from")
        if settings.tier.name != "logits" and settings.tier.positions not in ("chosen", "every"):
            raise KinprintError(
                "goal=descent needs tier=logits, or tier=chosen through an API: sampled text and the likeliest tokens "
                "show too little that follows the weights"
            )
        return DescentProbe(library, suite_of(settings.suite), settings.parent, how, alpha)
    return FamilyProbe(library, suite_of(settings.suite), rules(settings.estimator), how, alpha)


def _order(settings: ProbeSettings) -> Order:
    if settings.order is None:
        named = sampling(settings.tier, settings.seed).named
        return usual_order(named) if settings.goal == "family" else "informative"
    if settings.order not in get_args(Order):
        raise KinprintError(f"order must be one of {', '.join(get_args(Order))}; it is {settings.order!r}")
    return cast(Order, settings.order)


@dataclass
class Shown:
    """A probe that says on stdout what every look shows, and keeps `probe.json` up to date."""

    probe: Probe
    candidate: str
    path: Path
    asked: bool = False

    @property
    def outcome(self) -> Outcome:
        """As it stands."""
        return self.probe.outcome(self.candidate)

    @property
    def stopped(self) -> str | None:
        """Why no more is asked."""
        return self.probe.stopped

    def begin(self, access: Access) -> None:
        """Say that the replays take a while."""
        with waiting("replaying the probe on the library's models") as tick:
            self.probe.begin(access, tick)
        print(*COLUMNS, sep="\t", flush=True)

    def next_batch(self) -> Sequence[Canary]:
        """What the probe asks next."""
        return self.probe.next_batch()

    def unanswered(self) -> None:
        """The budget of the backend is spent."""
        self.probe.unanswered()

    def tell(self, recording: Recording) -> None:
        """Tell the probe, and print the look."""
        self.asked = True
        look = self.probe.tell(recording)
        if look is not None:
            print(*_cells(look), sep="\t", flush=True)
        self.save(recording.manifest.queries, interrupted=True)

    def save(self, queries: int, interrupted: bool = False) -> None:
        """Write `probe.json`; a run that ends here was `interrupted`, unless it has stopped by itself."""
        found = replace(self.outcome, queries=queries)
        if interrupted and found.stopped_because is None:
            found = replace(found, stopped_because="interrupted")
        found.save(self.path)


def _cells(look: Look) -> list[str]:
    numbers = [look.value, look.p_value, look.e_value]
    return [str(look.canaries), visible(look.leading, NAME_LIMIT), *("-" if n is None else f"{n:.3g}" for n in numbers)]
