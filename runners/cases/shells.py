"""The API shell: who is behind a URL with a new name and a persona? Real models, each behind a shell of ours.

kinprint is told the shell's URL and the name that it gives itself; what stands behind it is asked through it alone.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from analysis.accusation import Asked
from analysis.attribution.attribute import attribute
from analysis.bundle.code import code_sha256
from analysis.libraries.library import Library
from analysis.report.html import write_report
from analysis.signatures.signature import signature
from probes.errors import KinprintError
from probes.recording import Recording
from runners.budget import Budget
from runners.cases.accusations import RECORDING, REPORT, VERDICT, findings
from runners.cases.outcome import Outcome, kept_outcome
from runners.cases.settings import CaseSettings, ShellSettings
from runners.compose import construct
from runners.effort import effort
from runners.jobs.attribute import open_library, rules
from runners.jobs.collect import limits, sampling, serving
from runners.progress import say
from runners.record import record
from runners.settings import CandidateSettings
from runners.shell_proxy import ShellProxy
from runners.suites import suite_of
from runners.zoo.models import CATALOGUE, FROM_ZOO

_SHELL = "vela-1"  # the name that the service gives itself


def check(shell: ShellSettings) -> None:
    """Raise KinprintError if the settings name what is not there."""
    if unknown := sorted(set(shell.only) - set(shell.system_prompts)):
        known = ", ".join(shell.system_prompts)
        raise KinprintError(f"shell.only={unknown[0]!r} names no system prompt; known are {known}")
    if unknown := sorted(set(shell.models) - set(CATALOGUE)):
        raise KinprintError(f"shell.models names {unknown[0]!r}; the zoo has {', '.join(CATALOGUE)}")


def play(settings: CaseSettings, shell: ShellSettings, made_by: dict[str, str]) -> Iterator[Outcome]:
    """Every model behind every shell; what has an outcome already is not asked again."""
    check(shell)
    library = open_library(settings.library, settings.leave_out)
    for model in shell.models:
        folders = {key: Path(settings.out) / f"{model}-{key}" for key in shell.only or shell.system_prompts}
        same = {"model": model, "seed": settings.seed, "code": code_sha256()}
        hows = {key: {**same, "prompt": shell.system_prompts[key]} for key in folders}
        known = {key: kept_outcome(folder, hows[key]) for key, folder in folders.items()}
        yield from (one for one in known.values() if one is not None)
        if left := [key for key, one in known.items() if one is None]:
            with construct(shell.server, **serving(CandidateSettings(f"{FROM_ZOO}{model}"))) as server:
                for key in left:
                    say(f"{model} behind the shell {key!r}")
                    with ShellProxy(
                        server.url, server.served_as, _SHELL, shell.system_prompts[key], server.key
                    ) as door:
                        yield _outcome(model, door, settings, shell, library, folders[key], made_by, hows[key])


def ask(
    door: ShellProxy, settings: CaseSettings, shell: ShellSettings, folder: Path, made_by: dict[str, str]
) -> Recording:
    """Ask the shell as any other endpoint is asked: kinprint is told its URL and the name that it gives itself."""
    shutil.rmtree(folder, ignore_errors=True)  # a shell stands at another URL every time
    api = construct({**shell.api, "base_url": door.url}, model=door.name, system_prompt=None, chat_template=None)
    how, budget = sampling(settings.tier, settings.seed), Budget(limits(settings.budget))
    name = folder.parent.name
    return record(api, suite_of(settings.suite), how, folder, name, made_by, door.name, budget)


def _outcome(
    model: str,
    door: ShellProxy,
    settings: CaseSettings,
    shell: ShellSettings,
    library: Library,
    folder: Path,
    made_by: dict[str, str],
    how: dict[str, object],
) -> Outcome:
    asked = Asked("no_accusation", CATALOGUE[model].family, named=True)
    with effort() as spent:
        recording = ask(door, settings, shell, folder / RECORDING, made_by)
        verdict = attribute(signature(recording), library, rules(settings.estimator, settings.leave_out))
        write_report(verdict, recording, library, folder / REPORT)
        verdict.save(folder / VERDICT)
    found = findings(verdict, None, None)
    outcome = Outcome(
        suspect=folder.name,
        model=f"{FROM_ZOO}{model}",
        parent=None,
        expected=asked.conclusion,
        found=found,
        missed=tuple(asked.missed(found)),
        queries=verdict.queries,
        seconds=round(spent.seconds, 1),
        cpu_seconds=round(spent.cpu_seconds, 1),
        settings=how,
    )
    outcome.save(folder)
    return outcome
