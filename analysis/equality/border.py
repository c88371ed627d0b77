"""Border canaries: the few of a suite whose answers would show a change soonest, chosen before the watch begins."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analysis.equality.paired import MOST_TOPS
from analysis.equality.paired_tops import tops
from analysis.libraries.library import Library
from analysis.signatures.observation import Observation, observe
from probes.errors import RecordingError
from probes.recording import Recording
from probes.suite import Suite

Numbers = npt.NDArray[np.float64]


def sensitivity(probabilities: Numbers) -> float:
    """How much a distribution [n] moves with its logits: the expected squared change for independent unit noise.

    Of p_i (e_i - sum_j p_j e_j) the expected square is p_i^2 (1 - 2 p_i + sum_j p_j^2). It is greatest where two
    answers are equally likely and no other is: a border, on which any change of weights decides (Chauvin et al. 2026,
    Token-Efficient Change Detection in LLM APIs, arXiv:2602.11083, whose border inputs these are).

    >>> sensitivity(np.array([0.5, 0.5])), sensitivity(np.array([1.0, 0.0]))
    (0.25, 0.0)
    """
    p = probabilities
    return float((p**2 * (1 - 2 * p + (p**2).sum())).sum())


def contrast(own: Numbers, others: Numbers) -> Numbers:
    """How much likelier two answers of one model are to begin alike than those of two models: [n_canaries].

    `own`, `others` [n_canaries, n_bins]: the first-character distributions of the one and, on average, of others.
    """
    found: Numbers = (own * own).sum(axis=1) - (own * others).sum(axis=1)
    return found


def border_suite(suite: Suite, count: int, sampled: bool, library: Library, own: Recording | None = None) -> Suite:
    """The `count` border canaries of a suite, the best first, by what is known of them: from a recording of the model
    (`own`, of this suite) and from the bases of a library, or from these alone.

    `sampled`: answers will be sampled, at a low temperature; then they are canaries to which the model always gives one
    answer and others give another. Else, where logprobs are seen, they are those of the greatest `sensitivity`. Raises
    RecordingError if nothing is known of the suite.
    """
    bases = [_on(suite, recording) for recording in _bases(suite, library)]
    mine = [] if own is None else [_on(suite, own)]
    seen = mine or bases
    if not seen:
        raise RecordingError(
            f"nothing is known of the canaries of suite {suite.name!r}, neither by a recording (against=DIR) nor by "
            "the library; name a recording, or a suite that the library was asked"
        )
    if sampled:
        beside = [one.bins for one in bases] or [np.zeros_like(seen[0].bins)]
        others = np.nan_to_num(np.array(beside, dtype=np.float64)).mean(axis=0)
        scores = np.array([contrast(one.bins.astype(np.float64), others) for one in seen])
    else:
        scores = np.array([[_sensitivity(top) for top in tops(one, MOST_TOPS)] for one in seen])
    known = ~np.isnan(scores).all(axis=0)
    mean = np.where(known, np.nan_to_num(scores).sum(axis=0) / np.maximum((~np.isnan(scores)).sum(axis=0), 1), -np.inf)
    best = [place for place in np.argsort(-mean, kind="stable")[:count].tolist() if known[place]]
    if len(best) < count:
        raise RecordingError(
            f"only {len(best)} canaries of suite {suite.name!r} have answers to choose from, not {count}"
        )
    return Suite(f"{suite.name}-border", tuple(suite.canaries[place] for place in best))


def with_draws(suite: Suite, draws: int) -> Suite:
    """The same canaries, with so many sampled answers each."""
    return Suite(suite.name, tuple(replace(canary, draws=draws) for canary in suite.canaries))


def _sensitivity(top: object) -> float:
    return sensitivity(np.array(list(top.values()))) if isinstance(top, dict) else float("nan")


def _bases(suite: Suite, library: Library) -> list[Recording]:
    """Recordings of the bases of a library that were asked this suite."""
    asked = {canary.digest for canary in suite.canaries}
    found = (
        library.recording(member) for member in library.members if member.parent is None or member.technique == "base"
    )
    return [one for one in found if asked <= {canary.digest for canary in one.suite.canaries}]


def _on(suite: Suite, recording: Recording) -> Observation:
    """A recording as it shows itself, or its sampled answers do, on the canaries of the suite, in its order."""
    seen = observe(recording)
    places = {canary.digest: place for place, canary in enumerate(seen.canaries)}
    rows = np.array([places[canary.digest] for canary in suite.canaries])
    picked = {
        name: value[rows] for name in ("bins", "token_ids", "logprobs") if (value := getattr(seen, name)) is not None
    }
    return replace(seen, canaries=suite.canaries, **picked)
