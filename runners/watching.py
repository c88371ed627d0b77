"""Watching an endpoint: asking border canaries round by round, and keeping what they show, so that a run can go on.

Every round is a recording of its own under `out`, made as `kinprint collect` makes one; the first, `baseline`, finds
out what the endpoint allows, which holds for all rounds. `watch.json` is written after every round, and last.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.equality.border import border_suite, with_draws
from analysis.equality.drift import Drift, known_answers
from analysis.libraries.library import Library
from probes.errors import CandidateError, KinprintError, RecordingError
from probes.recording import Recording, load_recording
from probes.suite import Suite
from probes.write_whole import write_whole
from runners.backends.interface import Backend, Terms
from runners.budget import Budget, Limits
from runners.progress import say
from runners.record import record
from runners.remote import terms_agreed
from runners.sampling import Sampling

STATE, BASELINE, ROUNDS = "watch.json", "baseline", "rounds"


@dataclass(frozen=True)
class Watching:
    """A watch over one candidate. `out` is its folder; `sampling` how it is asked, at tier topk or text.

    `canaries` are watched, `baseline` sampled answers to each learned at the beginning (text). `against` is a recording
    of what the candidate should be: at tier topk answers are compared with it, else it serves to choose the canaries.
    """

    backend: Callable[[], Backend]
    candidate: str
    out: Path
    sampling: Sampling
    suite: Suite
    library: Library
    against: Recording | None
    canaries: int
    baseline: int
    alpha: float
    margin: float
    limits: Limits
    made_by: dict[str, str]

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5 or not 0 < self.margin < 0.2:
            raise KinprintError(
                f"alpha must lie in (0, 0.5) and margin in (0, 0.2); they are {self.alpha} and {self.margin}"
            )
        if self.canaries < 1 or self.baseline < 2:
            raise KinprintError("canaries must be at least 1, and baseline at least 2 answers each")
        if self.sampling.tier not in ("topk", "text"):
            raise KinprintError(f"a watch asks at tier topk or text, not {self.sampling.tier}")
        if self.sampled and not self.sampling.samples:
            raise KinprintError(
                "greedy answers alone can't be watched: a watch takes tier=topk, or text with its samples"
            )

    @property
    def sampled(self) -> bool:
        """Whether sampled answers are all that is looked at."""
        return self.sampling.tier == "text"

    def run(self, rounds: int, interval_seconds: float) -> Drift:
        """Ask `rounds` more rounds, or until a change is noticed; returns the watch as it then stands."""
        if rounds < 1 or interval_seconds < 0:
            raise KinprintError("rounds must be at least 1, and interval_seconds not below 0")
        baseline = self._baseline()
        drift = self._begun(baseline)
        agreed, done = terms_agreed(baseline.manifest), drift.process.rounds
        for number in range(done + 1, done + rounds + 1):
            if drift.noticed is not None:
                break
            if number > done + 1:
                time.sleep(interval_seconds)
            self._round(drift, number, baseline, agreed)
            self._save(drift)
        return drift

    def _baseline(self) -> Recording:
        """The first contact: asked once, and read again by every later run."""
        folder = self.out / BASELINE
        if (folder / "manifest.json").is_file():
            suite = load_recording(folder).suite
        else:
            suite = border_suite(self.suite, self.canaries, self.sampled, self.library, self.against)
            suite = with_draws(suite, self.baseline) if self.sampled else suite
        found = self._record(folder, suite, 0, None)
        if found.manifest.tier != self.sampling.tier:
            raise CandidateError(f"{self.candidate} gives no logprobs; watch it with tier=text, in another 'out'")
        return found

    def _begun(self, baseline: Recording) -> Drift:
        """The watch as an earlier run left it, or at its beginning."""
        known = self._known(baseline)
        began = Drift.of(known, "draws" if self.sampled else "tops", self.alpha, self.margin, self.sampling.seed)
        path = self.out / STATE
        if not path.is_file():
            return began
        try:
            state = json.loads(path.read_text("utf-8"))
            drift = Drift.of_state(state, known)
            same = {key: state[key] for key in ("basis", "canaries", "alpha", "margin", "seed", "against")}
        except (ValueError, KeyError, TypeError) as error:
            raise RecordingError(f"{path} is damaged ({error}); delete it, or watch in another 'out'") from error
        if changed := [key for key, value in same.items() if value != (began.state() | self._beside())[key]]:
            raise RecordingError(f"{path} is of another watch ({', '.join(changed)} differ); choose another 'out'")
        say(f"{path}: {drift.process.rounds} rounds so far, e-value {drift.value:.3g}")
        return drift

    def _known(self, baseline: Recording) -> dict[str, Any]:
        """What the answers are compared with."""
        basis, ids = "draws" if self.sampled else "tops", [canary.id for canary in baseline.suite.canaries]
        reference = baseline if self.sampled or self.against is None else self.against
        if reference.manifest.access.get("continuation") != baseline.manifest.access.get("continuation"):
            raise RecordingError(
                f"{reference.folder} and {self.candidate} continue texts in different ways, the one through chat; "
                "name a recording that was made through the same kind of endpoint"
            )
        known = known_answers(reference, basis, ids)
        few = [name for name in ids if name not in known or (self.sampled and len(known[name]) < 2)]
        if few:
            raise CandidateError(
                f"{reference.folder} has no usable answers to {len(few)} of the canaries ({few[0]}, ...)"
            )
        return known

    def _round(self, drift: Drift, number: int, baseline: Recording, agreed: Terms) -> None:
        suite = with_draws(baseline.suite, 1)
        drift.begin_round()
        try:
            answered = self._record(self.out / ROUNDS / f"{number:05}", suite, number, agreed)
        except CandidateError as error:
            say(f"round {number}: nothing was heard ({error}); the watch goes on")
            return
        answers = known_answers(answered, drift.basis, [canary.id for canary in suite.canaries])
        for name, answer in answers.items():
            drift.hear(name, answer[0] if isinstance(answer, list) else answer)
            if drift.noticed is not None:
                break
        missing = f", {len(suite) - len(answers)} canaries unanswered" if len(answers) < len(suite) else ""
        say(f"round {number}: {drift.queries} answers, e-value {drift.value:.3g} of {1 / self.alpha:g}{missing}")

    def _record(self, folder: Path, suite: Suite, number: int, agreed: Terms | None) -> Recording:
        sampling = replace(self.sampling, seed=self.sampling.seed + number, greedy=False)
        backend, budget = self.backend(), Budget(self.limits)
        return record(backend, suite, sampling, folder, self.candidate, self.made_by, budget=budget, agreed=agreed)

    def _beside(self) -> dict[str, Any]:
        """What the state holds of the watch itself."""
        return {"candidate": self.candidate, "against": None if self.against is None else str(self.against.folder)}

    def _save(self, drift: Drift) -> None:
        write_whole(self.out / STATE, json.dumps(drift.state() | self._beside(), indent=1) + "\n")
