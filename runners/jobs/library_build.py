"""`kinprint library build`: make, serve, record and reduce references into a library. Resumes member by member."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.libraries.library import INDEX, Library, save_index
from analysis.signatures.reduction import SMALL, Reduction, reduce_recording
from probes.errors import LibraryError
from probes.recording import folder_name
from probes.suite import load_suite
from runners.compose import construct, settings_of
from runners.disguise import Disguised, Wrapper
from runners.jobs.collect import sampling, serving
from runners.library.gpus import dry_run
from runners.library.open_weights import load_table
from runners.library.settings import LibraryBuildSettings, MemberSettings
from runners.progress import say
from runners.record import command_line, record
from runners.settings import CandidateSettings, TierSettings
from runners.suites import suite_of
from runners.zoo.making import Workshop
from runners.zoo.parentage import FROM_NOTHING, completed, library_member, trained_how_well

_STOPPED = (130, 143, -2, -15)  # by the user; not the member's fault


def main(overrides: list[str]) -> int:
    """The command line's entry; the one sub-verb is `build`."""
    if overrides[:1] != ["build"]:
        raise LibraryError("say 'kinprint library build [overrides]'; see 'kinprint library --help'")
    return build("library_build", ["library", "build"], overrides[1:])


def build(job: str, verb: list[str], overrides: list[str]) -> int:
    """Build the members of a configuration: the one wanted here and now, several in a process each.

    A member that fails says why and is passed over; the exit status is then 1, and the last line names those.
    """
    settings = settings_of(job, LibraryBuildSettings, overrides)
    table = [] if settings.table is None else load_table(settings.table)
    members = completed(settings.members | {one.hub: one.member() for one in table})
    if unknown := sorted(set(settings.only) - set(members)):
        raise LibraryError(f"only={unknown[0]!r} names no member; known are {', '.join(members)}")
    wanted = settings.only or list(members)
    if settings.dry_run:
        print(dry_run([one for one in table if one.hub in wanted], settings))
        return 0
    workshop = Workshop(members, Path(settings.work))
    for name in wanted:
        workshop.check(name)
    if len(wanted) == 1:
        made_by = command_line(verb[0], [*verb[1:], *overrides])
        build_member(settings, wanted[0], members, made_by)
        print(settings.out)
        return 0
    there, failed = in_library(Path(settings.out)), []
    for number, name in enumerate(wanted, start=1):
        if name in there:
            continue
        say(f"member {number} of {len(wanted)}: {name}")
        # A process each: an engine keeps memory and binds threads to cores until its process ends.
        command = [sys.executable, "-m", "runners.cli", *verb, *overrides, f"only=[{name}]"]
        status = subprocess.run(command, check=False).returncode
        if status in _STOPPED:
            return abs(status)
        if status:
            failed.append(name)
    print(settings.out)
    if failed:
        say(f"{len(failed)} of {len(wanted)} failed: {', '.join(failed)}; the same command tries these again")
    return 1 if failed else 0


def build_member(
    settings: LibraryBuildSettings, name: str, members: Mapping[str, MemberSettings], made_by: dict[str, str]
) -> None:
    """Make one member, unless the library has it already; what was made on the way is deleted unless still needed.

    The model goes as soon as no other member has to be made from it, the full recording unless `keep` is set.
    """
    out, work = Path(settings.out), Path(settings.work)
    if name in in_library(out):
        say(f"{name} is in the library already")
        return
    workshop, member = Workshop(members, work), members[name]
    model = workshop.model(name)
    backend = _backend(settings.backend, member, model)
    suite = load_suite(member.suite) if member.suite else suite_of(settings.suite)
    how = sampling(_tier(settings.tier, member), settings.seed)
    recording = work / folder_name(name) / "recording"
    made_by = {**made_by, "recipe": member.recipe or "none"}
    full = record(backend, suite, how, recording, name, made_by, member.model or name)
    shutil.rmtree(out / folder_name(name), ignore_errors=True)  # of a run that was killed before it was in the index
    if full.logits is not None:
        reduce_recording(full, out / folder_name(name), SMALL if settings.small else Reduction())
    else:
        shutil.copytree(recording, out / folder_name(name))
    there = Library.load(out).members if (out / INDEX).is_file() else ()
    entry = library_member(name, members)
    if member.recipe in FROM_NOTHING:
        entry = replace(entry, **trained_how_well(model))
    save_index(out, settings.version, [*(m for m in there if m.name != name), entry])
    if not settings.keep:
        shutil.rmtree(recording, ignore_errors=True)
    workshop.tidy(members.keys() - in_library(out))


def in_library(out: Path) -> set[str]:
    """The names of the members that a library holds, if there is one."""
    if not (out / INDEX).is_file():
        return set()
    return {one.name for one in Library.load(out).members if (out / folder_name(one.name) / "manifest.json").is_file()}


def _backend(target: dict[str, Any], member: MemberSettings, model: str) -> Any:
    backend = construct(target, **serving(CandidateSettings(model, member.name, member.system_prompt)))
    if member.wrapper is None and member.paraphrase is None:
        return backend
    wrapper = member.wrapper and Wrapper(member.wrapper.prefix, member.wrapper.suffix, tuple(member.wrapper.passages))
    rewording = member.paraphrase and construct(target, **serving(CandidateSettings(member.paraphrase)))
    return Disguised(backend, wrapper or None, rewording or None)


def _tier(tier: TierSettings, member: MemberSettings) -> TierSettings:
    """How a member is asked: as the build says, but for what the member says itself."""
    own = {"name": member.tier, "temperature": member.temperature, "top_p": member.top_p}
    return replace(tier, **{key: value for key, value in own.items() if value is not None})
