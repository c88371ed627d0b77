"""What recording public models costs on a kind of GPU: hours and gigabytes, before anything is fetched.

Tokens per second follow from the data sheet (a roofline; Williams, Waterman and Patterson 2009): reading prompts is
bound by arithmetic, writing answers by how fast the weights are read. What share of either an engine reaches, and how
long it takes to start, is assumed here and printed; a figure of your own, `tokens_per_second`, takes their place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from analysis.libraries.library import ZOO, Library
from probes.errors import KinprintError
from probes.recording import folder_name
from probes.suite import load_suite
from runners.library.open_weights import OpenModel
from runners.library.settings import LibraryBuildSettings

START_SECONDS = 90.0
LOAD_GB_PER_SECOND = 0.5
ARITHMETIC, BANDWIDTH = 0.4, 0.6
ROOM = 1.2
BATCH = 64
ASSUMED = (
    f"assumed: the engine starts in {START_SECONDS:g} s and loads {LOAD_GB_PER_SECOND:g} GB/s; it reaches "
    f"{ARITHMETIC:.0%} of the arithmetic and {BANDWIDTH:.0%} of the bandwidth; {BATCH} requests at a time; weights "
    f"take {ROOM:g} of their size"
)


@dataclass(frozen=True)
class Gpu:
    """`memory` GB, `bandwidth` GB/s, `arithmetic` TFLOP/s in bfloat16 without sparsity, as the `source` says."""

    memory: float
    bandwidth: float
    arithmetic: float
    source: str


GPUS = {
    "l4": Gpu(24, 300, 121, "NVIDIA L4 data sheet"),
    "rtx4090": Gpu(24, 1008, 165, "NVIDIA Ada GPU architecture white paper"),
    "a100": Gpu(80, 2039, 312, "NVIDIA A100 80GB SXM data sheet"),
    "h100": Gpu(80, 3350, 989, "NVIDIA H100 SXM data sheet"),
    "h200": Gpu(141, 4800, 989, "NVIDIA H200 SXM data sheet"),
}


@dataclass(frozen=True)
class Tokens:
    """Of one recording: read in prompts, and written."""

    read: float
    written: float
    source: str


@dataclass(frozen=True)
class Cost:
    """Of recording one model: how many GPUs hold it, seconds that these are held, and of these those spent asking."""

    gpus: int
    seconds: float
    asking: float

    @property
    def gpu_hours(self) -> float:
        return self.gpus * self.seconds / 3600


def cost(model: OpenModel, gpu: Gpu, tokens: Tokens, tokens_per_second: float | None = None) -> Cost | None:
    """What one model costs; None where its size is not known."""
    size, parameters = model.gigabytes, model.active_parameters or model.parameters
    if size is None or parameters is None or model.parameters is None:
        return None
    count = ceil(size * ROOM / gpu.memory)
    if tokens_per_second is not None:
        asking = (tokens.read + tokens.written) / tokens_per_second
    else:
        reading = tokens.read * 2 * parameters / (gpu.arithmetic * 1e12 * ARITHMETIC)
        # A batch of answers touches all experts of a mixture.
        writing = tokens.written / BATCH * size / (gpu.bandwidth * BANDWIDTH)
        asking = (reading + writing) / count
    return Cost(count, START_SECONDS + size / LOAD_GB_PER_SECOND + asking, asking)


def tokens_of(suite: str) -> Tokens:
    """What the package's own references read and wrote when they were asked a suite with full logits."""
    library = Library.load()
    digest = load_suite(suite).sha256
    manifests = [library.recording(member).manifest for member in library.members if member.parent is None]
    seen = [one for one in manifests if one.suite["sha256"] == digest]
    if not seen:
        raise KinprintError(f"no reference of the package was asked suite {suite!r}, so a dry run can't say its tokens")
    read, written = (max(getattr(one, key) for one in seen) for key in ("prompt_tokens", "completion_tokens"))
    return Tokens(read, written, f"the most that {', '.join(one.candidate for one in seen)} took, as recorded")


def dry_run(models: Sequence[OpenModel], settings: LibraryBuildSettings) -> str:
    """The table of a dry run. Raises KinprintError without a list of models or a known GPU."""
    if not models:
        raise KinprintError("dry_run needs a list of public models: experiment=library/open_weights, or table=FILE")
    if settings.gpu not in GPUS:
        raise KinprintError(f"say which GPU: gpu={'|'.join(GPUS)} (it is {settings.gpu!r})")
    gpu, tokens = GPUS[settings.gpu], tokens_of(settings.suite.path)
    costs = {one.hub: cost(one, gpu, tokens, settings.tokens_per_second) for one in models}
    lines = ["model\tfamily\tGB\tGPUs\tGPU hours"]
    for one in models:
        found = costs[one.hub]
        figures = "?\t?\t?" if found is None else f"{one.gigabytes:.1f}\t{found.gpus}\t{found.gpu_hours:.3f}"
        lines.append(f"{one.hub}\t{one.family}\t{figures}")
    return "\n".join([*lines, *_sums(models, [one for one in costs.values() if one is not None], settings, tokens)])


def _sums(
    models: Sequence[OpenModel], costs: Sequence[Cost], settings: LibraryBuildSettings, tokens: Tokens
) -> list[str]:
    """What it all comes to, and on what that rests."""
    hours, asking = (sum(values) for values in zip(*((one.gpu_hours, one.asking) for one in costs), strict=True))
    sizes = [one.gigabytes or 0 for one in models]
    measured = settings.tokens_per_second is not None
    speed = "as you measured it" if measured else f"a roofline over the {GPUS[str(settings.gpu)].source}"
    scaled = ", ".join(f"{number * hours / len(costs):.0f}" for number in (60, 600, 6000))
    return [
        f"{len(models)} models of {len({one.family for one in models})} families on {settings.gpu}: {hours:.1f} GPU "
        f"hours; {asking / 60:.1f} minutes of them go into asking, the rest into starting and loading",
        f"{sum(sizes):.0f} GB to fetch, {max(sizes):.0f} GB at a time; "
        f"the library takes {_megabytes() * len(models):.0f} MB",
        f"tokens: {tokens.read:.0f} read, {tokens.written:.0f} written a model ({tokens.source}); speed: {speed}",
        ASSUMED,
        f"for 60, 600 and 6,000 such models: {scaled} GPU hours",
    ]


def _megabytes() -> float:
    """Of one small recording, as the zoo in the package has them."""
    folder = ZOO / folder_name(Library.load(ZOO).members[0].name)
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6
