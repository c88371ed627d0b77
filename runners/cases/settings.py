"""The typed settings of `kinprint case`: a story, who appears in it at either scale, and how they are asked."""

from dataclasses import dataclass, field
from typing import Any

from runners.settings import (
    BudgetSettings,
    EstimatorSettings,
    LeaveOutSettings,
    LibrarySettings,
    SuiteSettings,
    TierSettings,
)

FULL, SMALL = "full", "small"


@dataclass
class StorySettings:
    """Who accuses whom of what (`claim`), what kinprint has to say of it (`asked`), and where the facts are from."""

    name: str
    title: str
    claim: str
    asked: str
    sources: list[str] = field(default_factory=list)


@dataclass
class ModelSettings:
    """One model. `model`: a folder, hub id, or `zoo:NAME`; null where it is not known or to be had any more.

    `parameters` in billions, where known; `engine` goes to vLLM beside what the backend says;
    `note` tells what else a machine that serves it needs, or why nobody can.
    """

    model: str | None = None
    family: str | None = None
    parameters: float | None = None
    engine: dict[str, Any] = field(default_factory=dict)
    note: str | None = None


@dataclass
class SuspectSettings(ModelSettings):
    """Who is accused of descending from the reference `parent`; null: it is only asked what family is behind it.

    `expected`: the conclusion that has to come out (`analysis.accusation.CONCLUSIONS`), null where nobody knows what is
    true. `family` may be named, and with `named` must be.
    """

    parent: str | None = None
    expected: str | None = "no_accusation"
    named: bool = False


@dataclass
class CastSettings:
    """Who appears: those accused, and references, which are recorded first where the library lacks them."""

    suspects: dict[str, SuspectSettings] = field(default_factory=dict)
    references: dict[str, ModelSettings] = field(default_factory=dict)


@dataclass
class ShellSettings:
    """Every model of `models` served by `server` behind every system prompt's shell, and asked through `api`.

    `only`: keys of `system_prompts` to run, [] runs all. It is played at scale small.
    """

    models: list[str]
    system_prompts: dict[str, str]
    only: list[str]
    server: dict[str, Any]
    api: dict[str, Any]


@dataclass
class CaseSettings:
    """`kinprint case`: play the story through with its `full` cast or its `small` one; or (`dry_run`) say what that is.

    `library` holds the references, and the innocents that descent is tested against; `engine` goes to vLLM for every
    model, where it does not say otherwise.
    """

    story: StorySettings
    scale: str
    full: CastSettings
    small: CastSettings
    shell: ShellSettings | None
    backend: dict[str, Any]
    engine: dict[str, Any]
    suite: SuiteSettings
    tier: TierSettings
    budget: BudgetSettings
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings
    alpha: float
    dry_run: bool
    out: str
    seed: int

    @property
    def cast(self) -> CastSettings:
        """Those who appear at the scale that was chosen."""
        return self.full if self.scale == FULL else self.small
