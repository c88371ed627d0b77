"""`kinprint VERB -m`: plan the runs, do those that are missing, and say what became of them.

The words are Hydra's (a comma spreads out, `-m` or `--multirun`), and so is what a run is: one configuration. Hydra's
own launchers take one machine's settings for a whole sweep; here each candidate says what it takes, so jobs go to
joblib and submitit directly.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from probes.errors import KinprintError
from runners.batch.job import Job, Outcome, jobs_of
from runners.batch.local import sequentially, with_joblib
from runners.batch.multirun_help import FLAGS
from runners.batch.planning import planned
from runners.batch.run import FOLDERS, Run
from runners.batch.settings import LauncherSettings, MultirunSettings
from runners.batch.slurm import on_slurm
from runners.batch.summary import save_summary
from runners.compose import settings_of
from runners.progress import counting, say

_OWN = ("candidates", "recordings", "batch", "launcher")
Launch = Callable[[Sequence[Job], LauncherSettings], Iterator[tuple[Job, str]]]
_LAUNCHERS: dict[str, Launch] = {"sequential": sequentially, "joblib": with_joblib, "slurm": on_slurm}


def multirun(verb: str, words: Sequence[str]) -> int:
    """Do a sweep. Returns 0 if every run is done, 1 if some failed: the last line says how to do those again."""
    if verb not in FOLDERS:
        raise KinprintError(f"kinprint {verb} takes no -m; {', '.join(FOLDERS)} do")
    own = [word for word in words if word.lstrip("+~").partition("=")[0].partition(".")[0] in _OWN]
    settings = settings_of("multirun", MultirunSettings, own)
    if settings.launcher.share < 1 or settings.launcher.n_jobs == 0:
        raise KinprintError("launcher.share must be 1 or more, and launcher.n_jobs not 0")
    if settings.launcher.kind not in _LAUNCHERS:
        raise KinprintError(f"launcher.kind is {settings.launcher.kind!r}; known are {', '.join(_LAUNCHERS)}")
    runs = planned(verb, [word for word in words if word not in own and word not in FLAGS], settings)
    missing = [run for run in runs if not run.done]
    say(f"{verb}: {len(runs)} in this batch, {len(missing)} to do")
    outcomes: dict[str, Outcome] = {}
    batch = Path(settings.batch)
    try:
        _do(missing, settings, batch / "jobs", outcomes, verb)
    finally:
        left = {run.key: Outcome("failed", 0.0, "interrupted") for run in missing if run.key not in outcomes}
        path = save_summary(batch, verb, runs, outcomes | left)
    print(path)
    return _tell(runs, outcomes, path)


def _do(
    missing: Sequence[Run], settings: MultirunSettings, folder: Path, outcomes: dict[str, Outcome], verb: str
) -> None:
    launcher = settings.launcher
    together = launcher.share if verb == "collect" or launcher.kind == "slurm" else 1
    jobs = jobs_of(missing, folder, together)
    for job in jobs:
        job.write()
    with (
        counting(verb, len(missing), shown=bool(missing)) as progress,
        closing(_LAUNCHERS[launcher.kind](jobs, launcher)) as ended,
    ):
        for job, how in ended if jobs else ():
            found = job.outcomes(how)
            outcomes |= found
            for one in found.values():
                progress.step(failed=one.status == "failed")


def _tell(runs: Sequence[Run], outcomes: dict[str, Outcome], path: Path) -> int:
    failed = [run for run in runs if run.key in outcomes and outcomes[run.key].status == "failed"]
    for run in failed[:10]:
        say(f"{run.name} failed: {outcomes[run.key].why}")
    if failed:
        more = f" (and {len(failed) - 10} more)" if len(failed) > 10 else ""
        say(f"{len(failed)} of {len(runs)} failed{more}; the same command does these again, and {path} says each alone")
    return 1 if failed else 0
