"""Asking the models of a case, and the library that references of its own join."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.libraries.files import copy_files, files_of
from analysis.libraries.library import Library, Member, save_index
from probes.errors import KinprintError
from probes.recording import Recording, folder_name
from runners.budget import Budget
from runners.cases.settings import CaseSettings, ModelSettings
from runners.compose import construct
from runners.jobs.attribute import open_library
from runners.jobs.collect import limits, sampling, serving
from runners.jobs.weights import place_of
from runners.progress import say
from runners.record import record
from runners.settings import CandidateSettings
from runners.suites import suite_of


def ask(name: str, model: ModelSettings, settings: CaseSettings, folder: Path, made_by: dict[str, str]) -> Recording:
    """Record one model, or return the recording that is there."""
    how, budget = sampling(settings.tier, settings.seed), Budget(limits(settings.budget))
    backend = construct(backend_for(model, settings), **serving(CandidateSettings(named(name, model))))
    return record(backend, suite_of(settings.suite), how, folder, name, made_by, model.model, budget)


def named(name: str, model: ModelSettings) -> str:
    """Who is asked. Raises KinprintError where nobody can be."""
    if model.model is None:
        raise KinprintError(f"there is no model to ask for {name}: {model.note or 'name one'}")
    return model.model


def make_ready(models: Iterable[str | None]) -> None:
    """Fetch or make those of the zoo before anybody is asked.

    In a process in which vLLM has served, transformers builds vision models out of vLLM's layers: none can be trained.
    """
    for model in models:
        if model is not None:
            place_of(model)


def backend_for(model: ModelSettings, settings: CaseSettings) -> dict[str, Any]:
    """The backend's settings with the engine arguments of one model, where the backend starts an engine."""
    backend = settings.backend
    if "engine" not in backend:
        return backend
    return {**backend, "engine": {**backend["engine"], **settings.engine, **model.engine}}


def library_of(settings: CaseSettings, made_by: dict[str, str]) -> Library:
    """The library, in which the case's own references are of the families that it says.

    Those that the library lacks are recorded first; then it is a folder of both.
    """
    library, own = open_library(settings.library, settings.leave_out), settings.cast.references
    members = [replace(one, lineage=library.lineage(one)) for one in library.members]
    there = {one.name for one in members}
    members = [replace(one, family=own[one.name].family or one.family) if one.name in own else one for one in members]
    missing = {name: one for name, one in own.items() if name not in there}
    if not missing:
        return replace(library, members=tuple(members))
    make_ready(one.model for one in missing.values())
    folder = Path(settings.out) / "library"
    for name, one in missing.items():
        say(f"{name}: recording the reference {one.model}")
        ask(name, one, settings, folder / folder_name(name), made_by)
    copy_files(library, files_of(library, members), folder)
    new = [Member(name, one.family or name, origin=one.model) for name, one in missing.items()]
    save_index(folder, f"{library.version} with {', '.join(missing)}", [*members, *new])
    return Library.load(folder)
