"""The measures of `kinprint bench capture` on one model, in a process of its own.

Every timing is the median of ratios of two passes over the same 256 prompts, made alternately. Passes ask for one
token, so that nothing but the prompts' own arithmetic hides what capturing costs.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Self

from analysis.signatures.signature import signature
from probes.chosen_tokens import chosen_tokens
from probes.manifest import Tier
from probes.recording import load_recording
from probes.suite import Suite, load_suite
from runners.backends.interface import Positions
from runners.backends.vllm_engine import VllmEngine
from runners.bench.memory import peak_mb, resident_mb
from runners.bench.output_layer import running_output_layer
from runners.progress import say
from runners.record import record
from runners.sampling import Sampling, plan
from runners.zoo.fetch import fetch

ROUNDS = 5
CANARIES = 256
ENGINE = {"dtype": "auto", "max_model_len": 2048, "enforce_eager": True, "enable_prefix_caching": False}
Pass = Callable[[], float]
_CHECK = (
    "import sys; from runners.cli import main; main(sys.argv[1:]); sys.exit(bool({'torch', 'vllm'} & {*sys.modules}))"
)


class Up(VllmEngine):
    """An engine that stays up when it is left, and counts the seconds spent in it."""

    seconds = 0.0

    def __enter__(self) -> Self:
        return self if hasattr(self, "_llm") else self._start()

    def __exit__(self, *_: object) -> None: ...

    def _start(self) -> Self:
        super().__enter__()
        inside = self._llm.generate

        def timed(*arguments: Any, **named: Any) -> Any:
            start = perf_counter()
            try:
                return inside(*arguments, **named)
            finally:
                self.seconds += perf_counter() - start

        self._llm.generate = timed
        return self


@dataclass
class Bench:
    """One started model and the prompts to measure it on; `found` is written to `results` after every measure."""

    engine: Up
    suite: Suite
    work: Path
    results: Path
    found: dict[str, float] = field(default_factory=dict)

    def keep(self, **values: float) -> None:
        """Store measures, so that they survive whatever comes after."""
        self.found |= values
        self.results.write_text(json.dumps(self.found), "utf-8")
        for name, value in values.items():
            say(f"{name}: {value:.4g}")

    def asking(self, tier: Tier, positions: Positions = "last") -> float:
        """Seconds to ask every prompt for one token."""
        single = replace(self.suite, canaries=tuple(replace(c, max_tokens=1) for c in self.suite.canaries))
        requests = [one for one in plan(single, Sampling(tier, 20, 1.0, 1.0, 0), "bench") if one.greedy]
        self.engine.keep_positions(positions, chosen_tokens(self.engine.describe().token_bytes, 2048))
        start = perf_counter()
        for answer, _ in self.engine.ask(requests, tier, 20):
            if answer.status != "ok":
                raise RuntimeError(f"{answer.canary_id}: {answer.error}")
        return perf_counter() - start

    def ratio(self, name: str, ours: Pass, theirs: Pass) -> None:
        """The median ratio of two passes made alternately, the first of each not counted."""
        ratios = []
        for number in range(ROUNDS + 1):
            order = (ours, theirs) if number % 2 else (theirs, ours)
            seconds = {run: run() for run in order}
            ratios.append(seconds[ours] / seconds[theirs])
            say(f"{name}: round {number} of {ROUNDS}: {seconds[ours]:.2f} s : {seconds[theirs]:.2f} s")
        self.keep(**{name: median(ratios[1:])})


def main(model: str, work: Path, results: Path) -> None:
    """Take every measure of one model, what needs no engine first."""
    say(f"measuring {model}")
    suite = load_suite("core")
    suite = replace(suite, canaries=suite.canaries[:CANARIES])
    bench = Bench(Up(str(fetch(model, say=say)), engine=dict(ENGINE)), suite, work, results)
    bench.keep(help_seconds=help_seconds())
    with bench.engine:
        memory(bench)  # first: later, captures would find memory that earlier ones left
        ratios(bench)
        collecting(bench)


def ratios(bench: Bench) -> None:
    """What each kind of capture costs."""
    plain: Pass = lambda: bench.asking("text")  # noqa: E731
    bench.ratio("full_last_ratio", lambda: bench.asking("logits"), plain)
    bench.ratio("topk_ratio", lambda: bench.asking("topk"), plain)

    def output_layer() -> float:
        with running_output_layer(bench.engine):
            return bench.asking("text")

    bench.ratio("full_every_ratio", lambda: bench.asking("logits", "every"), output_layer)
    bench.ratio("surprisal_ratio", lambda: bench.asking("topk", "surprisal"), output_layer)


def memory(bench: Bench) -> None:
    """The highest resident memory of any kind of capture over the engine's after the same prompts without one.

    All kinds are counted from there, so what one of them leaves behind counts in those that follow.
    """
    bench.asking("text")
    idle = resident_mb()
    kinds: Mapping[str, Callable[[], float]] = {
        "logits, last": lambda: bench.asking("logits"),
        "logits, every": lambda: bench.asking("logits", "every"),
        "surprisal": lambda: bench.asking("topk", "surprisal"),
    }
    bench.keep(capture_memory_mb=max(peak_mb(run) for run in kinds.values()) - idle)


def collecting(bench: Bench) -> None:
    """What collecting, keeping and reducing cost, with the answers as long as the suite has them."""
    shares, sampling = [], Sampling("logits", 20, 1.0, 1.0, 0)
    for number in range(ROUNDS):
        folder, before, start = bench.work / f"collect-{number}", bench.engine.seconds, perf_counter()
        record(bench.engine, bench.suite, sampling, folder, "measured", {})
        total = perf_counter() - start
        shares.append(1 - (bench.engine.seconds - before) / total)
    bench.keep(
        collect_overhead=median(shares), recording_mb=sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    )
    whole = bench.work / "every"
    record(bench.engine, bench.suite, replace(sampling, positions="every"), whole, "measured", {})
    seconds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        signature(load_recording(whole))
        seconds.append(perf_counter() - start)
    bench.keep(signature_seconds=median(seconds))


def help_seconds() -> float:
    """The slower of `kinprint --help` and `kinprint ls`; infinite if either imports an engine."""
    slowest = 0.0
    for verb in ("--help", "ls"):
        checked = subprocess.run([sys.executable, "-c", _CHECK, verb], check=False, stdout=subprocess.DEVNULL)
        if checked.returncode:
            return float("inf")
        times = []
        for _ in range(2 * ROUNDS):
            start = perf_counter()
            subprocess.run([sys.executable, "-m", "runners.cli", verb], check=True, stdout=subprocess.DEVNULL)
            times.append(perf_counter() - start)
        slowest = max(slowest, median(times))
    return slowest


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
