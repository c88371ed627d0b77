"""What a case would do, before anything is fetched or asked: whom, what, how many requests, which steps follow."""

from collections.abc import Iterator
from typing import Any

from runners.cases.asking import backend_for
from runners.cases.settings import CaseSettings, ModelSettings, ShellSettings, SuspectSettings
from runners.compose import construct
from runners.dry_run import most
from runners.jobs.collect import sampling
from runners.suites import suite_of
from runners.zoo.models import FROM_ZOO

_COLUMNS = ("who", "model", "asked_as", "requests_at_most", "weights_gb", "engine", "expected", "note")
_UNKNOWN = "not known"
_BYTES = 2  # of a parameter in 16 bits


def dry_run(settings: CaseSettings) -> str:
    """The plan in lines: the story, a tab-separated table of the models, and the steps."""
    story, shell = settings.story, _shell(settings)
    rows = list(_shell_rows(shell, settings) if shell else _rows(settings))
    return "\n".join(
        [
            f"dry run of {story.title}, scale {settings.scale}: nothing is fetched, nothing is asked",
            f"claimed: {' '.join(story.claim.split())}",
            f"asked of kinprint: {' '.join(story.asked.split())}",
            "",
            "\t".join(_COLUMNS),
            *("\t".join(row) for row in rows),
            "",
            *(f"{number}. {step}" for number, step in enumerate(_steps(settings, shell), start=1)),
        ]
    )


def _shell(settings: CaseSettings) -> ShellSettings | None:
    return settings.shell if settings.scale != "full" else None


def _rows(settings: CaseSettings) -> Iterator[tuple[str, ...]]:
    for name, reference in settings.cast.references.items():
        yield _row(name, reference, "reference", "-", settings)
    for name, suspect in settings.cast.suspects.items():
        accused = f"suspect, of {suspect.parent}" if suspect.parent else "suspect"
        yield _row(name, suspect, accused, _expected(suspect), settings)


def _row(name: str, model: ModelSettings, role: str, expected: str, settings: CaseSettings) -> tuple[str, ...]:
    backend = backend_for(model, settings)
    size = _UNKNOWN if model.parameters is None else f"{model.parameters * _BYTES:.3g}"
    engine = " ".join(f"{key}={value}" for key, value in backend.get("engine", {}).items()) or "none of ours"
    requests = _requests(backend, model.model or name, settings)
    return (name, model.model or _UNKNOWN, role, requests, size, engine, expected, model.note or "-")


def _shell_rows(shell: ShellSettings, settings: CaseSettings) -> Iterator[tuple[str, ...]]:
    api = {**shell.api, "base_url": "http://127.0.0.1/v1"}  # the shell's, once it is up
    engine = " ".join(f"{key}={value}" for key, value in shell.server.get("engine", {}).items())
    requests = _requests(api, "shell", settings)
    for model in shell.models:
        for key in shell.only or shell.system_prompts:
            role = f"behind the shell {key}"
            yield (f"{model}-{key}", f"{FROM_ZOO}{model}", role, requests, _UNKNOWN, engine, "its family named", "-")


def _requests(backend: dict[str, Any], model: str, settings: CaseSettings) -> str:
    if backend.get("base_url", "") is None:
        backend = {**backend, "base_url": "http://127.0.0.1/v1"}  # still to be named
    served = construct(backend, model=model, system_prompt=None, chat_template=None)
    return str(most(served, suite_of(settings.suite), sampling(settings.tier, settings.seed))[2])


def _expected(suspect: SuspectSettings) -> str:
    family = f", family {suspect.family}" if suspect.named else ""
    return (suspect.expected or "nobody knows") + family


def _steps(settings: CaseSettings, shell: ShellSettings | None) -> Iterator[str]:
    asked = f"suite {settings.suite.path} at tier {settings.tier.name} (positions: {settings.tier.positions})"
    if shell is not None:
        yield f"serve each model, put each shell in front of it, and ask it through its URL alone: {asked}"
        yield "attribute: which family is behind it, or none"
        yield f"report, into {settings.out}"
        return
    if settings.cast.references:
        yield f"collect the references, and add them to the library: {asked}"
    yield f"collect every suspect: {asked}"
    yield "fit kinship on the library without the suspect's lineage"
    yield "attribute: which family, or none, by references among which nothing of its lineage is but the model named"
    if any(one.parent for one in settings.cast.suspects.values()):
        yield f"descent from the model named, at alpha = {settings.alpha:g}, against the library's innocents"
        yield "weights of both sides, where they can be had, by rates that know neither's kin; how near the answers are"
    yield "bundle, signed with a key made for it, and verify it as a stranger would"
    yield f"report, into {settings.out}"
