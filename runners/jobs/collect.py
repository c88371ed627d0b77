"""`kinprint collect`: ask one candidate a suite and write the recording."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from probes.manifest import Tier
from probes.recording import Recording
from runners.backends.interface import Positions
from runners.backends.local_model import served_name
from runners.budget import Budget, Limits
from runners.compose import construct, settings_of
from runners.dry_run import estimated_cost
from runners.progress import say
from runners.record import command_line, record
from runners.sampling import Sampling
from runners.settings import BudgetSettings, CandidateSettings, CollectSettings, TierSettings
from runners.starts import taken_over
from runners.suites import suite_of
from runners.zoo.models import FROM_ZOO


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("collect", CollectSettings, overrides)
    if settings.dry_run:
        print(estimate(settings))
        return 0
    recording = run(settings, command_line("collect", overrides))
    manifest = recording.manifest
    say(
        f"{recording.folder}: {manifest.counts['ok']} of {sum(manifest.counts.values())} answers usable "
        f"at tier {manifest.tier}, {manifest.queries} queries, "
        f"{manifest.prompt_tokens + manifest.completion_tokens} tokens, {manifest.seconds:.1f} s"
    )
    print(recording.folder)
    return 0


def collect(*overrides: str, **settings: Any) -> Recording:
    """Ask a model from Python, with the settings of `kinprint collect`.

    `collect(model="./my-model", suite="quick", tier="topk", out="runs/mine")`; anything else as overrides, such as
    `"backend.engine.dtype=float32"`. Raises KinprintError as the command would.
    """
    keys = {"model": "candidate.model", "name": "candidate.name"}
    given = [f"{keys.get(key, key)}={value}" for key, value in settings.items()]
    return run(
        settings_of("collect", CollectSettings, [*given, *overrides]), command_line("collect", [*given, *overrides])
    )


def run(settings: CollectSettings, made_by: dict[str, str]) -> Recording:
    """Wire suite, backend, budget and recording."""
    suite = suite_of(settings.suite)
    budget = Budget(limits(settings.budget))
    backend = taken_over(construct(settings.backend, **serving(settings.candidate)))
    how = sampling(settings.tier, settings.seed)
    name, model = name_of(settings.candidate), settings.candidate.model
    return record(backend, suite, how, Path(settings.out), name, made_by, model, budget)


def estimate(settings: CollectSettings) -> str:
    """What a run would cost at most; starts no model and sends nothing."""
    suite, how = suite_of(settings.suite), sampling(settings.tier, settings.seed)
    allowed = limits(settings.budget)
    candidate = replace(settings.candidate, model=settings.candidate.model.removeprefix(FROM_ZOO))
    return estimated_cost(construct(settings.backend, **serving(candidate)), suite, how, allowed)


def limits(budget: BudgetSettings) -> Limits:
    """The limits of a run, from the settings."""
    return Limits(**asdict(budget))


def sampling(tier: TierSettings, seed: int) -> Sampling:
    """How to ask, from the settings."""
    return Sampling(
        tier=cast(Tier, tier.name),
        top_k=tier.top_k,
        temperature=tier.temperature,
        top_p=tier.top_p,
        seed=seed,
        logits_dtype=tier.logits_dtype,
        positions=cast(Positions, tier.positions),
        position_tokens=tier.position_tokens,
        position_prompts=tier.position_prompts,
        chosen_tokens=tuple(tier.chosen_tokens),
        draws=tier.draws,
    )


def serving(candidate: CandidateSettings) -> dict[str, Any]:
    """What a backend needs to know of a candidate; a model of the zoo is fetched, or made, if it isn't in the cache."""
    model = candidate.model
    if model.startswith(FROM_ZOO):
        from runners.zoo.fetch import fetch
        from runners.zoo.made import made_model
        from runners.zoo.models import CATALOGUE

        name = model.removeprefix(FROM_ZOO)
        model = str(fetch(name, say=say) if name in CATALOGUE else made_model(name))
    given = {"model": model, "system_prompt": candidate.system_prompt, "chat_template": candidate.chat_template}
    return given if candidate.adapter is None else {**given, "adapter": candidate.adapter}


def name_of(candidate: CandidateSettings) -> str:
    """The candidate's name: as given, or the last part of its path or its adapter's, or its hub id."""
    return candidate.name or served_name(candidate.adapter or candidate.model).removeprefix(FROM_ZOO)
