"""`kinprint case`: a dispute played through, with the models that it was about or with the zoo's analogue."""

from collections.abc import Iterator
from pathlib import Path

from probes.errors import KinprintError
from runners.cases.dry_run import dry_run
from runners.cases.outcome import Outcome, save_all
from runners.cases.settings import FULL, SMALL, CaseSettings
from runners.compose import settings_of
from runners.progress import say
from runners.record import command_line

NAME = "case.json"
COLUMNS = ("suspect", "parent", "conclusion", "family", "p", "descent", "weights", "std_profile", "right", "queries")


def main(overrides: list[str]) -> int:
    """The command line's entry; 0 whatever came out."""
    settings = settings_of("case", CaseSettings, overrides)
    if settings.scale not in (FULL, SMALL):
        raise KinprintError(f"scale is {FULL} or {SMALL}; it is {settings.scale!r}")
    if settings.dry_run:
        print(dry_run(settings))
        return 0
    print(*COLUMNS, sep="\t")
    outcomes = []
    for outcome in play(settings, command_line("case", overrides)):
        outcomes.append(outcome)
        print(*cells(outcome), sep="\t", flush=True)
    save_all(outcomes, settings.story.title, Path(settings.out) / NAME)
    right = sum(one.right for one in outcomes)
    say(f"{settings.story.title}: {right} of {len(outcomes)} as asked; written: {Path(settings.out) / NAME}")
    return 0


def play(settings: CaseSettings, made_by: dict[str, str]) -> Iterator[Outcome]:
    """Every outcome of a case, as it is known."""
    from runners.cases import accusations, shells  # what judges is slow to import, and a dry run needs none of it

    if settings.shell is not None and settings.scale == SMALL:
        return shells.play(settings, settings.shell, made_by)
    return accusations.play(settings, made_by)


def cells(outcome: Outcome) -> tuple[str, ...]:
    """A row under `COLUMNS`."""
    found = outcome.found
    weights = found.weights
    profile = None if weights is None else weights.std_profile
    return (
        outcome.suspect,
        outcome.parent or "-",
        found.conclusion,
        found.family or found.decision,
        "-" if found.p is None else f"{found.p:.3f}",
        found.descent or "-",
        "-" if weights is None else weights.shared,
        "-" if profile is None else f"{profile:.3f}",
        "yes" if outcome.right else f"no: {'; '.join(outcome.missed)}",
        str(outcome.queries),
    )
