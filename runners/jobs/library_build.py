"""`kinprint library build`: make, serve, record and reduce references into a library. Resumes member by member."""

import shutil
import subprocess
import sys
from pathlib import Path

from analysis.library import INDEX, Library, Member, save_index
from analysis.reduction import reduce_recording
from probes.errors import LibraryError
from probes.recording import folder_name
from probes.suite import load_suite
from runners.compose import construct, settings_of
from runners.jobs.collect import sampling, serving
from runners.progress import say
from runners.record import command_line, record
from runners.settings import CandidateSettings, LibraryBuildSettings, MemberSettings
from runners.zoo.recipes import RECIPES


def main(overrides: list[str]) -> int:
    """The command line's entry; the one sub-verb is `build`."""
    if overrides[:1] != ["build"]:
        raise LibraryError("say 'kinprint library build [overrides]'; see 'kinprint library --help'")
    settings = settings_of("library_build", LibraryBuildSettings, overrides[1:])
    if unknown := sorted(set(settings.only) - set(settings.members)):
        raise LibraryError(f"only={unknown[0]!r} names no member; known are {', '.join(settings.members)}")
    wanted = settings.only or list(settings.members)
    if len(wanted) == 1:
        build_member(settings, settings.members[wanted[0]], command_line("library", overrides))
        print(settings.out)
        return 0
    for number, key in enumerate(wanted, start=1):
        say(f"member {number} of {len(wanted)}: {settings.members[key].name}")
        # A process each: an engine keeps memory and binds threads to cores until its process ends.
        command = [sys.executable, "-m", "runners.cli", "library", *overrides, f"only=[{key}]"]
        if status := subprocess.run(command, check=False).returncode:
            return status
    return 0


def build_member(settings: LibraryBuildSettings, member: MemberSettings, made_by: dict[str, str]) -> None:
    """Make one member, unless the library has it already; what was made on the way is deleted unless kept."""
    out, work = Path(settings.out), Path(settings.work) / folder_name(member.name)
    if (out / folder_name(member.name) / "manifest.json").is_file() and member.name in _names(out):
        say(f"{member.name} is in the library already")
        return
    candidate = CandidateSettings(member.model, member.name, member.system_prompt)
    serve = serving(candidate)
    if member.recipe is not None:
        serve["model"] = str(_derived(member, Path(serve["model"]), work / "model"))
    backend = construct(settings.backend, **serve)
    suite = load_suite(member.suite or settings.suite.path)
    how = sampling(settings.tier, settings.seed)
    made_by = {**made_by, "recipe": member.recipe or "none"}
    full = record(backend, suite, how, work / "recording", member.name, made_by, member.model)
    reduce_recording(full, out / folder_name(member.name))
    _add(out, settings.version, member)
    shutil.rmtree(work / "model" if settings.keep else work, ignore_errors=True)


def _derived(member: MemberSettings, source: Path, out: Path) -> Path:
    if member.recipe not in RECIPES:
        raise LibraryError(f"{member.name} names the recipe {member.recipe!r}; known are {', '.join(RECIPES)}")
    if out.exists():  # whole, since recipes write to one side and rename
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    return RECIPES[member.recipe].function(source, out)


def _add(out: Path, version: str, settings: MemberSettings) -> None:
    member = Member(
        name=settings.name,
        family=settings.family,
        parent=settings.parent,
        technique=settings.technique,
        fit=settings.fit,
        licence=settings.licence,
        origin=settings.origin,
    )
    members = Library.load(out).members if (out / INDEX).is_file() else ()
    save_index(out, version, [*(m for m in members if m.name != member.name), member])


def _names(out: Path) -> set[str]:
    return {member.name for member in Library.load(out).members} if (out / INDEX).is_file() else set()
