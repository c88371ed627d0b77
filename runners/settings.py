"""The typed settings of every job: what the configuration is validated against, and what jobs are given."""

from dataclasses import dataclass, field
from typing import Any

from runners.batch.settings import ResourcesSettings


@dataclass
class CandidateSettings:
    """The model under test. `model` is a folder, a hub id, or `zoo:NAME`; `name` defaults to its last part.

    `adapter`: the folder of a LoRA adapter that is put on the model. `resources`: what a cluster is asked for.
    """

    model: str
    name: str | None = None
    system_prompt: str | None = None
    chat_template: str | None = None
    adapter: str | None = None
    resources: ResourcesSettings = field(default_factory=ResourcesSettings)


@dataclass
class SuiteSettings:
    """`path`: the name of a shipped suite, or the path of a JSONL file, or `fresh`.

    Of a fresh suite, drawn from a secret seed: `seed` is the file that keeps it (null: the environment), `size` how
    many canaries are drawn, `reveal` whether the manifest tells the seed.
    """

    path: str
    seed: str | None = None
    size: int = 256
    reveal: bool = False


@dataclass
class TierSettings:
    """What to ask for. Temperature and top-p hold for the sampled answers; greedy ones have none.

    `positions`, `position_tokens`, `position_prompts`, `chosen_tokens` and `draws` are as in
    `runners.sampling.Sampling`.
    """

    name: str
    top_k: int = 20
    temperature: float = 1.0
    top_p: float = 1.0
    logits_dtype: str = "float16"
    positions: str = "last"
    position_tokens: int = 2048
    position_prompts: int = 4
    chosen_tokens: list[int] = field(default_factory=list)
    draws: bool | None = None


@dataclass
class BudgetSettings:
    """See `runners.budget.Limits`, whose fields these are."""

    requests: int | None = None
    tokens: int | None = None
    usd: float | None = None
    seconds: float | None = None
    prompt_price: float | None = None
    completion_price: float | None = None


@dataclass
class LibrarySettings:
    """`path`: the folder of a library; null for the one inside the package.

    `lineage`: the CSV that says what the recordings in the folder are, where it has no index of its own.
    `search`: see `runners.library.opening.SEARCH`.
    """

    path: str | None = None
    lineage: str | None = None
    search: str = "auto"


@dataclass
class LeaveOutSettings:
    """Members to treat as if they had never been in the library."""

    families: list[str] = field(default_factory=list)
    techniques: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@dataclass
class EstimatorSettings:
    """See `analysis.attribution.attribute.Rules`, whose fields these are."""

    channels: list[str]
    unknown_prior: float
    family_prior: dict[str, float] | None
    regularisation: float
    doubt: float
    attributed_at: float
    unknown_at: float
    min_canaries: int
    switched_off: list[str]
    kinship: str | None


@dataclass
class CollectSettings:
    """`kinprint collect`: ask one candidate a suite, and write the recording to `out`; or (`dry_run`) say the cost."""

    candidate: CandidateSettings
    backend: dict[str, Any]
    suite: SuiteSettings
    tier: TierSettings
    budget: BudgetSettings
    out: str
    seed: int
    dry_run: bool


@dataclass
class JudgedSettings:
    """What a recording is judged by: for its family, and for descent from `parents`."""

    recording: str
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings
    parents: list[str]
    alpha: float
    controls: LibrarySettings


@dataclass
class AttributeSettings(JudgedSettings):
    """`kinprint attribute`: say which family a recording descends from."""

    out: str | None
    report: bool


@dataclass
class PlanSettings:
    """`kinprint plan`: how likely a verdict is with this library, tier and budget of canaries, and what it costs.

    `goal` is family or descent; `parent` one, several, or null for every reference. From `sign` on: see
    `runners.committing`.
    """

    goal: str
    canaries: int | None
    parent: Any
    alpha: float
    library: LibrarySettings
    suite: SuiteSettings
    tier: TierSettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings
    out: str | None
    sign: bool
    key: str | None
    model: str | None
    name: str | None
    base_url: str | None
    choice: str
    seed: int


@dataclass
class PageSettings:
    """How a report is written: in which `language` (en or zh)."""

    language: str


@dataclass
class ReportSettings(JudgedSettings):
    """`kinprint report`: write the report of a recording's verdict to `out`.

    With the tree in the folder `tree`, and the weight-based evidence in the file `weights`, where they are given.
    """

    tree: str | None
    weights: str | None
    report: PageSettings
    out: str
