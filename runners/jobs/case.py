"""`kinprint case`: a dispute played through. Here the API shell: who is behind a URL with a new name and persona?"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.attribute import attribute
from analysis.library import UNKNOWN, Library
from analysis.report.html import write_report
from analysis.signature import signature
from analysis.verdict import Verdict
from probes.errors import KinprintError
from probes.recording import Recording
from probes.write_whole import write_whole
from runners.budget import Budget
from runners.compose import construct, settings_of
from runners.jobs.attribute import open_library, rules
from runners.jobs.collect import limits, sampling, serving
from runners.progress import say
from runners.record import command_line, record
from runners.settings import CandidateSettings, CaseSettings
from runners.shell_proxy import ShellProxy
from runners.suites import suite_of
from runners.zoo.models import CATALOGUE

_SHELL = "vela-1"  # the name that the service gives itself
_SURE = 0.9


@dataclass(frozen=True)
class Outcome:
    """What was said of one model behind one shell. `p` is the probability of what came out likeliest."""

    model: str
    system_prompt: str
    decision: str
    likeliest: str | None
    p: float | None
    truth: str
    queries: int

    @property
    def right(self) -> bool:
        """Whether the family behind the shell came out likeliest."""
        return self.likeliest == self.truth

    @property
    def accuses_an_innocent(self) -> bool:
        """Whether another family came out with enough probability to be named."""
        return self.p is not None and self.likeliest not in (self.truth, UNKNOWN) and self.p >= _SURE


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("case", CaseSettings, overrides)
    if unknown := sorted(set(settings.only) - set(settings.system_prompts)):
        raise KinprintError(
            f"only={unknown[0]!r} names no system prompt; known are {', '.join(settings.system_prompts)}"
        )
    if unknown := sorted(set(settings.models) - set(CATALOGUE)):
        raise KinprintError(f"models names {unknown[0]!r}; the zoo has {', '.join(CATALOGUE)}")
    library, made_by = open_library(settings.library, settings.leave_out), command_line("case", overrides)
    print("model", "system_prompt", "decision", "likeliest", "p", "right", "queries", sep="\t")
    outcomes = []
    for model in settings.models:
        for outcome in outcomes_of(model, settings, library, made_by):
            outcomes.append(outcome)
            p = "-" if outcome.p is None else f"{outcome.p:.3f}"
            right = "yes" if outcome.right else "no"
            fields = (outcome.model, outcome.system_prompt, outcome.decision, outcome.likeliest or "-", p, right)
            print(*fields, outcome.queries, sep="\t", flush=True)
    save(outcomes, Path(settings.out) / "case.json")
    return 0


def outcomes_of(model: str, settings: CaseSettings, library: Library, made_by: dict[str, str]) -> Iterator[Outcome]:
    """Serve a model once, put every shell in front of it in turn, and ask each through its URL alone.

    What has a verdict already is not asked again.
    """
    chosen = settings.only or list(settings.system_prompts)
    folders = {key: Path(settings.out) / f"{model}-{key}" for key in chosen}
    if any(not (folder / "verdict.json").is_file() for folder in folders.values()):
        with construct(settings.server, **serving(CandidateSettings(f"zoo:{model}"))) as server:
            for key, folder in folders.items():
                if not (folder / "verdict.json").is_file():
                    say(f"{model} behind the shell {key!r}")
                    shutil.rmtree(folder, ignore_errors=True)  # a shell stands at another URL every time
                    with ShellProxy(
                        server.url, server.served_as, _SHELL, settings.system_prompts[key], server.key
                    ) as shell:
                        recording = ask(shell, settings, folder, made_by)
                    verdict = attribute(signature(recording), library, rules(settings.estimator, settings.leave_out))
                    write_report(verdict, recording, library, folder / "report.html")
                    verdict.save(folder / "verdict.json")
    for key, folder in folders.items():
        verdict = Verdict.from_json(json.loads((folder / "verdict.json").read_text("utf-8")))
        yield _outcome(model, key, verdict)


def ask(shell: ShellProxy, settings: CaseSettings, folder: Path, made_by: dict[str, str]) -> Recording:
    """Ask the shell as any other endpoint is asked: kinprint is told its URL and the name that it gives itself."""
    endpoint = {**settings.api, "base_url": shell.url}
    api = construct(endpoint, model=shell.name, system_prompt=None, chat_template=None)
    how, budget = sampling(settings.tier, settings.seed), Budget(limits(settings.budget))
    suite = suite_of(settings.suite)
    return record(api, suite, how, folder / "recording", folder.name, made_by, shell.name, budget)


def save(outcomes: list[Outcome], path: Path) -> None:
    """Write all outcomes, and how many were right, as JSON."""
    summary: dict[str, Any] = {
        "runs": len(outcomes),
        "right_family": sum(outcome.right for outcome in outcomes),
        "wrong_family_at_0.9": sum(outcome.accuses_an_innocent for outcome in outcomes),
        "outcomes": [{**asdict(outcome), "right": outcome.right} for outcome in outcomes],
    }
    write_whole(path, json.dumps(summary, indent=1) + "\n")
    say(
        f"{summary['right_family']} of {summary['runs']} right, {summary['wrong_family_at_0.9']} wrong families named "
        f"with p >= {_SURE}; written: {path}"
    )


def _outcome(model: str, key: str, verdict: Verdict) -> Outcome:
    likeliest = max(verdict.posterior, key=lambda label: verdict.posterior[label]) if verdict.posterior else None
    p = None if likeliest is None else verdict.posterior[likeliest]
    return Outcome(model, key, verdict.decision, likeliest, p, CATALOGUE[model].family, verdict.queries)
