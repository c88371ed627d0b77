"""Jobs on this machine: one after the other, or several at a time through joblib.

Asking a model takes a process of its own: an engine keeps memory and binds threads to cores until its process ends, and
may take it down. Judging a recording does not.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence

from probes.errors import KinprintError
from runners.batch.job import Job, do, logging_to
from runners.batch.settings import LauncherSettings
from runners.serving import guard
from runners.serving.server_process import last_words

_GRACE = 20.0  # seconds that an interrupted job may take to end in order


def sequentially(jobs: Sequence[Job], settings: LauncherSettings) -> Iterator[tuple[Job, str]]:
    """Do one after the other; yields each with how its process ended, should it not have come to all of its runs."""
    for job in jobs:
        yield job, _do_here(job)


def with_joblib(jobs: Sequence[Job], settings: LauncherSettings) -> Iterator[tuple[Job, str]]:
    """Do `n_jobs` at a time, and yield them as they end. Raises KinprintError if joblib loses a process."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    parallel = Parallel(n_jobs=settings.n_jobs, return_as="generator_unordered")
    try:
        for place, ended in parallel(delayed(_numbered)(place, job) for place, job in enumerate(jobs)):
            yield jobs[place], ended
    except TerminatedWorkerError as error:
        raise KinprintError(
            f"one of {settings.n_jobs} processes was killed, most likely for memory; "
            "the same command with a smaller launcher.n_jobs does the rest"
        ) from error


def _numbered(place: int, job: Job) -> tuple[int, str]:
    return place, _do_here(job)


def _do_here(job: Job) -> str:
    if job.runs[0].verb != "collect":
        with logging_to(job.log):
            do(job.file)
        return ""
    with job.log.open("ab") as log:
        # The guard ends the job with this process, whatever ends that.
        words = [sys.executable, "-I", "-S", str(guard.__file__), str(_GRACE)]
        job_words = [sys.executable, "-m", "runners.batch.job", str(job.file)]
        process = subprocess.Popen(
            [*words, *job_words], stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
        assert process.stdin is not None
        try:
            status = process.wait()
        finally:
            process.stdin.close()
            process.wait()
    return f"its process ended (exit status {status}): {last_words(job.log)}"
