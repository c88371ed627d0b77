"""How often a watch cries wolf, and how soon it notices: simulated on recordings of real models.

A recording's likeliest first tokens stand for its model. Sampled answers are drawn from them at the watch's
temperature. Where logprobs are seen, a quiet endpoint is the worst that still counts as quiet: noise on its logits, as
much as carries the mean capped distance up to the margin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from analysis.equality.border import border_suite
from analysis.equality.drift import MARGIN, Basis, Drift
from analysis.equality.equality import CAP
from analysis.equality.paired import MOST_TOPS
from analysis.equality.paired_tops import Top, distance, tops
from analysis.libraries.library import Library
from analysis.signatures.observation import observe
from probes.recording import Recording

TEMPERATURE = 0.2
Tops = Mapping[str, Top]


@dataclass(frozen=True)
class Trial:
    """How a watch is played through: see `runners.watching.Watching`; `quiet` rounds come before the model changes."""

    basis: Basis
    canaries: int = 5
    baseline: int = 24
    rounds: int = 20
    quiet: int = 2
    alpha: float = 0.01


def false_alarms(own: Recording, library: Library, trial: Trial, runs: int, seed: int = 0) -> int:
    """How many of so many quiet runs end with an alarm."""
    known = _border(own, library, trial)
    noise = _noise_at_margin(known) if trial.basis == "tops" else 0.0
    generators = np.random.default_rng(seed).spawn(runs)
    return sum(_noticed(known, known, trial, noise, trial.rounds, one) is not None for one in generators)


def queries_to_notice(
    own: Recording, other: Recording, library: Library, trial: Trial, runs: int, seed: int = 0
) -> list[int | None]:
    """After how many answers of the model that took the place of `own` it is noticed, run by run; None: not at all.

    0 is an alarm before the change, which is none.
    """
    known = _border(own, library, trial)
    now = _tops_of(other, known)
    found = [_noticed(known, now, trial, 0.0, trial.quiet, one) for one in np.random.default_rng(seed).spawn(runs)]
    before = trial.quiet * trial.canaries
    return [None if number is None else max(number - before, 0) for number in found]


def measured(library: Library, trial: Trial, runs: int = 1000, seed: int = 0) -> dict[str, Any]:
    """What is promised of a watch, over the bases of a library that were asked one suite: `false_alarms` of `runs`
    quiet runs, base by base, and answers until it is noticed that one base took the place of another: `median`, `most`
    and the share `within_15`; a run without notice counts as never (inf).
    """
    bases = [library.recording(member) for member in library.members if member.parent is None]
    alarms = {own.manifest.candidate: false_alarms(own, library, trial, runs, seed) for own in bases}
    found = [
        np.inf if number is None else number
        for own, other in permutations(bases, 2)
        for number in queries_to_notice(own, other, library, trial, max(runs // 20, 1), seed)
    ]
    within = float(np.mean([0 < number <= 15 for number in found]))
    return {
        "runs": runs,
        "false_alarms": alarms,
        "swaps": len(found),
        "median": float(np.median(found)),
        "most": max(found),
        "within_15": within,
    }


def _border(own: Recording, library: Library, trial: Trial) -> dict[str, Top]:
    """The border canaries that are watched, and their likeliest tokens."""
    chosen = border_suite(own.suite, trial.canaries, trial.basis == "draws", library, own)
    return _tops_of(own, [canary.id for canary in chosen.canaries])


def _tops_of(recording: Recording, ids: Sequence[str] | Tops) -> dict[str, Top]:
    seen = observe(recording)
    found = dict(zip((canary.id for canary in seen.canaries), tops(seen, MOST_TOPS), strict=True))
    return {name: top for name in ids if (top := found[name]) is not None}


def _noticed(
    before: Tops, after: Tops, trial: Trial, noise: float, quiet: int, generator: np.random.Generator
) -> int | None:
    """After how many answers a run ends with an alarm, the model changing after so many quiet rounds."""
    sampled = trial.basis == "draws"
    known = {name: _draws(top, trial.baseline, generator) for name, top in before.items()} if sampled else before
    drift = Drift.of(known, trial.basis, trial.alpha, seed=int(generator.integers(2**31)))
    for number in range(trial.rounds):
        drift.begin_round()
        for name, top in (before if number < quiet else after).items():
            drift.hear(name, _draws(top, 1, generator)[0] if sampled else _noisy(top, noise, generator))
            if drift.noticed is not None:
                return drift.noticed
    return None


def _draws(top: Top, count: int, generator: np.random.Generator) -> list[str]:
    """First tokens sampled at the watch's temperature."""
    weights = np.array(list(top.values())) ** (1 / TEMPERATURE)
    picked = generator.choice(len(weights), size=count, p=weights / weights.sum())
    spelled = [token.decode("latin-1") for token in top]
    return [spelled[place] for place in picked.tolist()]


def _noisy(top: Top, noise: float, generator: np.random.Generator) -> Top:
    """The same tokens with normal noise on their logits, their mass as before."""
    if not noise:
        return top
    values: npt.NDArray[np.float64] = np.array(list(top.values()))
    moved = values * np.exp(noise * generator.normal(size=len(values)))
    return dict(zip(top, (moved * values.sum() / moved.sum()).tolist(), strict=True))


def _noise_at_margin(known: Tops) -> float:
    """The noise (standard deviation of logits) at which the mean capped distance is the margin."""

    def excess(noise: float) -> float:
        generator = np.random.default_rng(0)
        apart = [distance(top, _noisy(top, noise, generator)) for top in known.values() for _ in range(100)]
        return float(np.minimum(apart, CAP * MARGIN).mean()) - MARGIN

    return float(brentq(excess, 1e-3, 5.0, xtol=1e-3))
