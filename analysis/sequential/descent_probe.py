"""The descent probe of one candidate and one parent: the library is replayed on the tokens that the candidate shows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from analysis.descent.ancestry import logits_compared
from analysis.descent.innocents import too_few_controls
from analysis.descent.null import e_value
from analysis.descent.rivals import UNKNOWN, Models
from analysis.descent.scores import SpaceScores
from analysis.libraries.library import REFERENCES, TAUGHT, Library, Member
from analysis.sequential.descent import LOOKS, DescentReplay, Logits, order_for
from analysis.sequential.family_replay import How
from analysis.sequential.outcome import Decision, Look, Outcome, Stopped
from analysis.signatures.chosen_logits import vocabulary_of
from analysis.signatures.observation import Access
from probes.canary import Canary
from probes.errors import LibraryError
from probes.recording import Recording
from probes.suite import Suite


class DescentProbe:
    """Asks for shared weights with `parent`; `begin`, then `next_batch` and `tell` until `stopped`.

    Canaries are asked in the order of `order_for`, up to the next of `LOOKS` at a time.
    """

    def __init__(self, library: Library, suite: Suite, parent: str, how: How, alpha: float) -> None:
        names = {member.name: member for member in library.members}
        if parent not in names:
            known = ", ".join(member.name for member in library.members if member.role in REFERENCES)
            raise LibraryError(f"the library at {library.folder} has no model {parent!r}; parents may be {known}")
        self.library, self.suite, self.parent, self.how, self.alpha = library, suite, names[parent], how, alpha
        self.looks: list[Look] = []
        self.stopped: Stopped | None = None
        self._asked = 0
        self._path: list[float] = []
        self._replay: DescentReplay | None = None
        self._said: tuple[Decision, str] = ("undecidable", "nothing was asked")

    def begin(self, access: Access, step: Callable[[], Any] = lambda: None) -> None:
        """Choose the order. Raises LibraryError if parent and suite have too few prompts in common."""
        digests = {canary.digest: canary for canary in self.suite.canaries}
        self._members = [
            member
            for member in self.library.members
            if (member.role in (*REFERENCES, *TAUGHT) or member == self.parent)
            and digests.keys() & self.library.prompts(member)
        ]
        self._recordings = [self.library.recording(member) for member in self._members]
        parent = self._members.index(self.parent) if self.parent in self._members else None
        shared = [digest for digest in digests if digest in self.library.prompts(self.parent)]
        if parent is None or len(shared) < LOOKS[0]:
            raise LibraryError(
                f"{self.parent.name} was asked {len(shared)} of the prompts of suite {self.suite.name!r}, and "
                f"{LOOKS[0]} are needed; name another suite or library"
            )
        self._prompts, self._column = shared, parent
        [logits] = logits_compared([self._recordings[parent]], [0], shared)
        if logits is None:
            raise LibraryError(f"the library holds no logits of {self.parent.name}; take another library")
        self._seed = self.how.seed if self.how.order == "random" else None
        self._order = order_for(logits, self._seed)[: self.how.most]
        self._canaries = [digests[digest] for digest in shared]
        self._step = step

    def next_batch(self) -> list[Canary]:
        """What to ask before the next look; nothing once it has stopped, and why it has is then `stopped`."""
        if self.stopped is None and self._asked >= len(self._order):
            self.stopped = "budget" if self._asked >= self.how.most else "canaries_used_up"
        if self.stopped is not None:
            return []
        following = next((look for look in LOOKS if look > self._asked), len(self._order))
        batch = self._order[self._asked : following]
        self._asked += len(batch)
        return [self._canaries[place] for place in batch]

    def unanswered(self) -> None:
        """The budget of whoever asks is spent."""
        self.stopped = "budget"

    def tell(self, recording: Recording) -> Look | None:
        """What a recording of all that was asked shows; None where it can't be compared."""
        if self._replay is None and not self._begun(recording):
            return None
        assert self._replay is not None
        if self._asked not in self._replay.looks:
            return None
        score = self._score(recording)
        self._path.append(score if np.isfinite(score) else -1.0)
        path = np.array(self._path)
        p = self._boundary.p_value(path)
        look = Look(self._asked, self.parent.name, self._path[-1], p, e_value(p))
        self.looks.append(look)
        students = "" if self._boundary.students else " (no students among them)"
        sides = f"it shares {score:.2f} with the parent beyond what rivals do, p = {p:.2g} against innocents{students}"
        if p <= self.alpha:
            self._said, self.stopped = ("shared_ancestry", f"{sides}, at most {self.alpha:g}"), "decided"
        else:
            self._said = ("independent_not_rejected", f"{sides}; alpha is {self.alpha:g}")
        return look

    def outcome(self, candidate: str) -> Outcome:
        """As it stands."""
        decision, reason = self._said
        lineages = self._boundary.strangers.null.lineages if self._path else 0
        return Outcome(
            candidate,
            "descent",
            decision,
            self.parent.name,
            self.alpha,
            reason,
            self.stopped,
            tuple(self.looks),
            lineages,
            library=self.library.version,
            order="random",
            batch=self.how.batch,
        )

    def _begun(self, recording: Recording) -> bool:
        """Replay the innocents on the tokens that the candidate shows; False where nothing can be said, and why."""
        logits = logits_compared([*self._recordings, recording], [self._column], self._prompts)
        if logits[-1] is None:
            why = "it shows no logits; the logprobs of chosen tokens would decide (tier=chosen or logits)"
        else:
            why = self._replayed(logits[:-1])
        if why:
            self._said, self.stopped = ("undecidable", why), "canaries_used_up"
        return not why

    def _replayed(self, logits: Sequence[Logits | None]) -> str:
        """Why the innocents don't suffice; empty if they do."""
        models = self._models(self._members, self._recordings)
        lineages = {one.name: str(name) for one, name in zip(self._members, models.lineages, strict=True)}
        teachers = [lineages.get(one.taught_by or "") for one in self._members]
        innocents = np.array([one.role in (*REFERENCES, *TAUGHT) for one in self._members])
        asked = {self._column: self._order}
        self._replay = DescentReplay(models, logits, teachers, innocents, self.how.most, self._seed, asked)
        paths = self._replay.paths(self._step)
        place = int(np.flatnonzero(models.references == self._column)[0])
        if not self._replay.decidable(paths)[place]:
            return too_few_controls(int(self._replay.controls(paths)[place]), self.parent.name)
        try:
            self._boundary = self._replay.wrong(paths).boundary(bool(self._replay.controlled(paths)[place]))
        except LibraryError as error:
            return str(error)
        return ""

    def _models(self, members: Sequence[Member], recordings: Sequence[Recording]) -> Models:
        lineages = np.array([self.library.lineage(one) for one in members])
        parents = [place for place, one in enumerate(members) if one.role in REFERENCES or one == self.parent]
        return Models(lineages, [vocabulary_of(one) for one in recordings], np.array(parents, dtype=np.intp))

    def _score(self, recording: Recording) -> float:
        """Of the candidate with the parent, on all rows so far."""
        recordings = [*self._recordings, recording]
        models = self._models(self._members, self._recordings)
        own = vocabulary_of(recording)
        everybody = Models(np.append(models.lineages, UNKNOWN), [*models.vocabularies, own], models.references)
        scores = SpaceScores(everybody, logits_compared(recordings, [self._column], self._prompts))
        column = int(np.flatnonzero(models.references == self._column)[0])
        candidate = np.array([len(self._recordings)])
        return float(scores.with_reference(column, np.array(self._order[: self._asked]), candidate)[0])
