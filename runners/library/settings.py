"""The typed settings of what builds libraries: its members, and how they are made, served and asked."""

from dataclasses import dataclass, field
from typing import Any

from runners.settings import SuiteSettings, TierSettings


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

    `small` keeps reductions as `analysis.signatures.reduction.SMALL` has them. `table`: see
    `runners.library.open_weights`; `gpu` and `tokens_per_second` are those of a `dry_run`, see `runners.library.gpus`.
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
    table: str | None = None
    dry_run: bool = False
    gpu: str | None = None
    tokens_per_second: float | None = None
