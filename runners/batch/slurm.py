"""Jobs on a Slurm cluster through submitit: arrays of those that ask for the same machine.

submitit writes the scripts, hands them in, and puts a job back that was preempted or ran out of time: its runs go on
where they stopped. What became of a run is read from the files of `runners.batch.job`, so nothing pickled is ever read
here, and the cluster needs no accounting. A job that is neither queued nor running has ended.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import Any

from probes.errors import KinprintError
from runners.batch.job import Job, do
from runners.batch.ray_nodes import ray_head, ray_worker
from runners.batch.settings import LauncherSettings
from runners.progress import say

_FOLLOWERS_GO_AFTER = 30  # seconds after the first node's task has ended

_ARRAY = 1000  # jobs; Slurm's own limit, unless a cluster sets another


class OnNode:
    """What runs on every node of a job; submitit puts it back as it was."""

    def __call__(self, file: str) -> None:
        """Do the job, on the first node; on the others, lend their GPUs to it."""
        import submitit

        # Without cgroups a job sees all cores of its node, and would crawl with a thread on each beside other jobs.
        os.environ.setdefault("OMP_NUM_THREADS", os.environ.get("SLURM_CPUS_PER_TASK", "1"))
        here = submitit.JobEnvironment()
        if here.num_nodes == 1:
            do(Path(file))
            return
        port = 20_000 + int(re.sub(r"\D", "", here.job_id)) % 20_000
        if here.global_rank:
            ray_worker(here.hostnames[0], port)
        else:
            with ray_head(port):
                do(Path(file))

    def checkpoint(self, file: str) -> Any:
        """What is handed in again after preemption or a time limit: the same."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, file)


def on_slurm(jobs: Sequence[Job], settings: LauncherSettings) -> Iterator[tuple[Job, str]]:
    """Hand all jobs in, and yield each as it ends, with how it ended.

    Whatever ends this early takes the jobs that are left back. Raises KinprintError where there is no Slurm, or it
    refuses.
    """
    if which("sbatch") is None or which("squeue") is None:
        raise KinprintError(
            "launcher=slurm needs Slurm's commands (sbatch, squeue, srun); run this where they are, as on a login node"
        )
    left: dict[str, tuple[Job, Path]] = {}
    try:
        for request, some in _alike(jobs, settings):
            left |= _submitted(some, request)
        say(f"{len(left)} jobs handed in to Slurm")
        while left:
            waiting = _queued()
            for number in [one for one in left if one not in waiting]:
                job, log = left.pop(number)
                yield job, f"Slurm ended job {number} before it was done{_state(number)}; its log is {log}"
            if left:
                time.sleep(settings.poll_seconds)
    finally:
        if left:
            subprocess.run(["scancel", *left], check=False)


def request_of(job: Job, settings: LauncherSettings) -> dict[str, Any]:
    """What submitit is to ask for: what the candidate says, else what the launcher does. Times add up over runs."""
    wanted = job.runs[0].resources
    gpus = wanted.gpus if settings.gpus is None else settings.gpus
    memory = wanted.memory_gb or settings.memory_gb
    cpus = wanted.cpus or settings.cpus
    hours = sum(run.resources.hours or settings.hours for run in job.runs)
    request = {
        "partition": settings.partition,
        "account": settings.account,
        "nodes": wanted.nodes,
        "ntasks_per_node": 1,
        "gpus_per_node": gpus or None,
        "cpus_per_task": cpus,
        "mem": None if memory is None else f"{int(memory * 1000)}MB",
        "time": max(1, round(60 * hours)),
        "array_parallelism": settings.at_once,
        "setup": settings.setup or None,
        "additional_parameters": settings.sbatch or None,
        # srun does not take over the CPUs of sbatch since Slurm 22.05; other nodes end soon after the first.
        "srun_args": [f"--cpus-per-task={cpus}"] + ([f"--wait={_FOLLOWERS_GO_AFTER}"] if wanted.nodes > 1 else []),
    }
    return {key: value for key, value in request.items() if value is not None}


def _alike(jobs: Sequence[Job], settings: LauncherSettings) -> Iterator[tuple[dict[str, Any], list[Job]]]:
    """Jobs that ask for the same machine and time: an array each, or several where they are too many for one."""
    together: dict[str, tuple[dict[str, Any], list[Job]]] = {}
    for job in jobs:
        request = request_of(job, settings)
        together.setdefault(repr(request), (request, []))[1].append(job)
    for request, some in together.values():
        yield from ((request, some[at : at + _ARRAY]) for at in range(0, len(some), _ARRAY))


def _submitted(jobs: Sequence[Job], request: Mapping[str, Any]) -> dict[str, tuple[Job, Path]]:
    """Hand in an array; its jobs by their numbers, each with the file of what it says."""
    import submitit
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    executor = submitit.SlurmExecutor(jobs[0].file.parent / "slurm")
    executor.update_parameters(job_name="kinprint", **request)
    try:
        found = executor.map_array(OnNode(), [str(job.file.resolve()) for job in jobs])
    except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise KinprintError(f"Slurm takes no job with {dict(request)}: {said[-1]}") from error
    return {str(one.job_id): (job, one.paths.stderr) for job, one in zip(jobs, found, strict=True)}


def _queued() -> set[str]:
    """The numbers of this user's jobs that wait or run."""
    listed = subprocess.run(
        ["squeue", "--me", "--array", "--noheader", "--format=%i"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        raise KinprintError(f"Slurm does not say what is left: {listed.stderr.strip() or 'squeue failed'}")
    return set(listed.stdout.split())


def _state(number: str) -> str:
    """Slurm's word for how a job ended, while it still knows."""
    shown = subprocess.run(
        ["scontrol", "--oneliner", "show", "job", number], capture_output=True, text=True, check=False
    )
    found = re.search(r"JobState=(\w+)", shown.stdout)
    return f" ({found[1]})" if found else ""
