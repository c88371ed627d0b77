"""`kinprint replicate`: ask an endpoint what a bundle's recording was asked, and say whether it answers the same."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.attribution.hostile_answers import noise_floor
from analysis.bundle.recompute import RECORDING
from analysis.bundle.verify import opened
from analysis.equality.equality import Equality
from analysis.report.equality import in_words
from analysis.report.hostile import NAME_LIMIT, visible
from analysis.signatures.signature import signature
from probes.manifest import Manifest
from probes.recording import Recording, load_recording
from runners.budget import Budget
from runners.compose import construct, settings_of
from runners.jobs.collect import limits, serving
from runners.jobs.evaluate import save
from runners.jobs.same import STATUS, compared
from runners.record import command_line, record
from runners.sampling import Sampling
from runners.settings import BudgetSettings, CandidateSettings, LibrarySettings
from runners.signing_key import public_key


@dataclass
class ReplicateSettings:
    """`kinprint replicate`: `again` to `seed` are those of `kinprint same`."""

    bundle: str
    key: str | None
    candidate: CandidateSettings
    backend: dict[str, Any]
    budget: BudgetSettings
    library: LibrarySettings
    out: str
    again: list[str]
    margin: float | None
    alpha: float
    seed: int


def main(overrides: list[str]) -> int:
    """The command line's entry; returns the decision as an exit status."""
    settings = settings_of("replicate", ReplicateSettings, overrides)
    key = None if settings.key is None else public_key(Path(settings.key))
    with opened(Path(settings.bundle), key) as (folder, _):
        original = load_recording(folder / RECORDING)
        answered = run(settings, original, command_line("replicate", overrides))
        found = compared(original, answered, settings)
        save({"bundle": settings.bundle, **found.entry()}, Path(settings.out) / "equality.json")
        print(in_words(found))
        print(*(f"  {line}" for line in circumstances(original, answered, found)), sep="\n")
    return STATUS[found.decision]


def run(settings: ReplicateSettings, original: Recording, made_by: dict[str, str]) -> Recording:
    """Ask the same suite with the same sampling, behind the same system prompt unless another one is set."""
    asked = original.manifest.sampling
    candidate = replace(
        settings.candidate,
        system_prompt=settings.candidate.system_prompt or asked.get("system_prompt"),
        chat_template=settings.candidate.chat_template or asked.get("chat_template"),
    )
    name = candidate.name or original.manifest.candidate
    backend = construct(settings.backend, **serving(candidate))
    budget = Budget(limits(settings.budget))
    how = sampling_of(original.manifest)
    return record(backend, original.suite, how, Path(settings.out), name, made_by, candidate.model, budget)


def sampling_of(manifest: Manifest) -> Sampling:
    """How a recording was asked, whatever its access turned out to allow."""
    asked = manifest.sampling
    same = ("logits_dtype", "positions", "position_tokens", "position_prompts", "draws", "greedy")
    return Sampling(
        tier=manifest.access.get("asked_tier", manifest.tier),
        top_k=asked.get("top_k") or 1,
        temperature=asked["temperature"],
        top_p=asked["top_p"],
        seed=asked["seed"],
        chosen_tokens=tuple(asked.get("chosen_tokens", ())),
        **{name: asked[name] for name in same if asked.get(name) is not None},
    )


def circumstances(original: Recording, answered: Recording, found: Equality) -> list[str]:
    """When and by what either was answered, and how far each is from itself."""
    lines = []
    for which, one in (("bundle", original), ("now", answered)):
        manifest = one.manifest
        engine = [str(manifest.engine[key]) for key in ("version", "dtype", "device") if key in manifest.engine]
        by = " ".join([manifest.backend, *engine])
        told = f"{manifest.candidate}, {manifest.started_at}, {by}, tier {manifest.tier}"
        floor = noise_floor(signature(one))
        noise = "no canary was repeated" if floor is None else f"{floor:.3g} bits from itself"
        lines.append(f"{which}: {visible(told, 3 * NAME_LIMIT)}; {noise}")
    if found.decision == "same":
        lines.append("the endpoint answers as the bundle says: whoever signed it did not invent these answers")
    return lines
