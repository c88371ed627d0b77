"""The typed settings of every job: what the configuration is validated against, and what jobs are given."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class CandidateSettings:
    """The model under test. `model` is a folder, a hub id, or `zoo:NAME`; `name` defaults to its last part."""

    model: str
    name: str | None = None
    system_prompt: str | None = None
    chat_template: str | None = None


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
    draws: bool = False


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
    """

    path: str | None = None
    lineage: str | None = None


@dataclass
class LeaveOutSettings:
    """Members to treat as if they had never been in the library."""

    families: list[str] = field(default_factory=list)
    techniques: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@dataclass
class EstimatorSettings:
    """See `analysis.attribute.Rules`, whose fields these are."""

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
class FitSettings:
    """`kinprint fit`: learn kinship from a library and write it into a file."""

    library: LibrarySettings
    leave_out: LeaveOutSettings
    out: str


@dataclass
class DescentSettings:
    """`kinprint descent`: whether a recording's model shares weight ancestry with a parent, or several."""

    recording: str
    parent: Any
    alpha: float
    library: LibrarySettings
    leave_out: LeaveOutSettings
    out: str | None


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


@dataclass
class TreeSettings:
    """`kinprint tree`: a library and recordings as trees, see `analysis.family_tree.family_tree`."""

    recordings: list[str]
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings
    like: str | None
    replicates: int
    seed: int
    out: str


@dataclass
class ExplainSettings:
    """`kinprint explain`: which channels and canaries told what of a recording."""

    recording: str
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings


@dataclass
class WrapperSettings:
    """What a service puts around every prompt before its model sees it: see `runners.disguise.Wrapper`."""

    prefix: str = ""
    suffix: str = ""
    passages: list[str] = field(default_factory=list)


@dataclass
class MemberSettings:
    """One reference to make: where its weights begin, the recipe of `runners.zoo.recipes` to apply, how to serve it.

    Its key is its name. What is left open is taken from its parent (family, licence, origin) or its recipe (technique).
    `model`: a folder, hub id or `zoo:NAME`; by default the models of `parents`, else of `parent`, members like itself.
    `settings` and `seed` go to the recipe, and so does the model of `teacher`, a member. `suite`, `tier`, `temperature`
    and `top_p`: how it is asked, where that is not as the build says. `wrapper` and `paraphrase` (a model that rewords
    every answer; tier text) are put on by the one who asks. `kind`: see `runners.zoo.parentage.KINDS`.
    """

    name: str | None = None
    family: str | None = None
    model: str | None = None
    technique: str | None = None
    kind: str | None = None
    parent: str | None = None
    parents: list[str] = field(default_factory=list)
    teacher: str | None = None
    recipe: str | None = None
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    system_prompt: str | None = None
    wrapper: WrapperSettings | None = None
    paraphrase: str | None = None
    suite: str | None = None
    tier: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    fit: bool = True
    licence: str | None = None
    origin: str | None = None


@dataclass
class LibraryBuildSettings:
    """`kinprint library build` and `zoo derive`: make, serve, record and reduce members into the library at `out`.

    `small` keeps reductions as `analysis.reduction.SMALL` has them.
    """

    version: str
    members: dict[str, MemberSettings]
    only: list[str]
    backend: dict[str, Any]
    suite: SuiteSettings
    tier: TierSettings
    work: str
    keep: bool
    out: str
    seed: int
    small: bool = False


@dataclass
class ImportSettings:
    """`kinprint import`: turn a foreign file into one recording a model. `on_error` is `fail` or `skip`."""

    source: str
    format: str
    out: str
    on_error: str


@dataclass
class EvaluateSettings:
    """`kinprint evaluate`: how well a library of recordings attributes. Budgets are whole numbers, or `all`."""

    recordings: str
    lineage: str
    out: str
    budgets: list[Any]
    seeds: int
    channels: list[str]
    unknown_prior: float | None
    regularisation: float


@dataclass
class CaseSettings:
    """`kinprint case`: every model served by `server` behind every system prompt's shell, and asked through `api`."""

    models: list[str]
    system_prompts: dict[str, str]
    only: list[str]
    server: dict[str, Any]
    api: dict[str, Any]
    suite: SuiteSettings
    tier: TierSettings
    budget: BudgetSettings
    library: LibrarySettings
    estimator: EstimatorSettings
    leave_out: LeaveOutSettings
    out: str
    seed: int


@dataclass
class SameSettings:
    """`kinprint same`: whether the recordings `a` and `b` are of the same model."""

    a: str
    b: str
    again: list[str]
    margin: float | None
    alpha: float
    library: LibrarySettings
    out: str | None
    seed: int


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
