"""The verdict that fewer canaries would have given: the posterior on growing parts of what a candidate was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from analysis.attribution.rules import Rules
from analysis.libraries.library import Library
from analysis.signatures.signature import Signature
from analysis.verdict import Decision, Verdict

_FEWEST = 8
_SEED = 0  # of the order: suites stand grouped by kind, so their own order would show kind after kind


@dataclass(frozen=True)
class Step:
    """What `canaries` of them would have said; `posterior` is {} where that is `no_signal`."""

    canaries: int
    decision: Decision
    posterior: Mapping[str, float]


def posterior_growth(candidate: Signature, library: Library, rules: Rules, verdict: Verdict) -> tuple[Step, ...]:
    """Steps at 8 canaries, twice as many, and so on, up to the whole `verdict`; those the library knows, in one order.

    () where there is no posterior at all. Costs an attribution a step.
    """
    from analysis.attribution.attribute import attribute

    if not verdict.posterior:
        return ()
    known = set(library.asked(candidate).shared_prompts(candidate))
    places = np.array([place for place, digest in enumerate(candidate.digests) if digest in known], dtype=np.intp)
    order = places[np.random.default_rng(_SEED).permutation(len(places))]
    alone = replace(candidate, whole={}, conduct={})  # what only is shown takes the most time
    steps, size = [], _FEWEST
    while size < len(order):
        found = attribute(alone.take(np.sort(order[:size])), library, rules)
        steps.append(Step(size, found.decision, found.posterior))
        size *= 2
    return (*steps, Step(len(order), verdict.decision, verdict.posterior))
