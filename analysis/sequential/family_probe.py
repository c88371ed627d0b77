"""The family probe of one candidate: the library is replayed once, then every batch of answers moves the posterior."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from analysis.attribution.rules import Rules, check, without_tokenizer
from analysis.benchmark.compared import Compared
from analysis.benchmark.pair_features import Matrix
from analysis.benchmark.specimens import Seen, specimens_of
from analysis.channels.tokenizer import CHANNEL as TOKENIZER
from analysis.descent.null import e_value
from analysis.kinship.beside_rivals import counted_with, next_tokens, standing
from analysis.kinship.partial_coefficients import NAME as PARTIAL_COEFFICIENT
from analysis.kinship.partial_coefficients import name_at
from analysis.kinship.similarities import similarities
from analysis.libraries.library import UNKNOWN, Library
from analysis.sequential.family import FIRST, FamilySteps
from analysis.sequential.family_replay import FamilyBoundaries, FamilyReplay, How
from analysis.sequential.outcome import Decision, Look, Outcome, Stopped
from analysis.sequential.shared import SharedOn, shared_at_looks
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature, align, signature
from probes.canary import Canary
from probes.errors import LibraryError
from probes.recording import Recording
from probes.suite import Suite

_SHARED_TOKENIZER = (
    "every family of this library has a tokenizer of its own, and the tokenizer counts here: a model of another family "
    "that took over the tokenizer would be named as well; estimator.channels=[next_token,greedy,wording] leaves it out"
)

_ENOUGH_LOOKS = 2  # first looks, in canaries: more than so many are not answered in a word by everybody


class FamilyProbe:
    """Asks for the family; `begin` once the access is known, then `next_batch` and `tell` until `stopped`."""

    def __init__(self, library: Library, suite: Suite, rules: Rules, how: How, alpha: float) -> None:
        check(rules, library)
        self.library, self.suite, self.rules, self.how, self.alpha = library, suite, rules, how, alpha
        self.looks: list[Look] = []
        self.stopped: Stopped | None = None
        self._named: tuple[Decision, str | None, str] = ("inconclusive", None, "nothing was asked")

    def begin(self, access: Access, step: Callable[[], Any] = lambda: None) -> None:
        """Replay the library as this access sees it; `step` is called now and then. Raises LibraryError if it can't."""
        self.how = replace(self.how, first=min(FIRST[access.tier], self.how.most))
        asked = {c.digest + "-continued" * (access.continued and c.text is not None): c for c in self.suite.canaries}
        seen = Seen.at(access, specimens_of([self.library]), step)
        places = [place for place, digest in enumerate(seen.signatures[0].digests) if digest in asked]
        if len(places) < self.how.first:
            raise LibraryError(
                f"the library at {self.library.folder} was asked {len(places)} of the prompts of suite "
                f"{self.suite.name!r} as they can be asked here, and {self.how.first} are needed; name another suite "
                "or library"
            )
        self._references = [one.take(places) for one in seen.recorded]
        signatures = [one.take(places) for one in seen.signatures]
        self._canaries = [asked[digest] for digest in signatures[0].digests]
        compared = Compared.of(signatures, self._references, self.rules.channels, step)
        self.shared = None
        last = name_at(access)
        alone = last == PARTIAL_COEFFICIENT and TOKENIZER.name not in self.rules.channels  # who shares one is not asked
        if last not in self.rules.switched_off and not alone:
            self.shared = shared_at_looks(replace(seen, signatures=tuple(signatures)))
        replay = FamilyReplay(seen.candidates, seen.references, compared, self.how, self.rules, self.shared)
        learned, self._rivals = replay.learned(), replay.teacher.rivals.whose.rivals
        if learned is None:
            raise LibraryError(
                f"the references at {self.library.folder} teach no kinship: it takes two families, and one with two "
                "members"
            )
        self.boundaries: FamilyBoundaries = replay.run(step).boundaries()
        self.families = [replay.families[number] for number in np.unique(replay.columns)]
        self.steps = FamilySteps(learned, self.how.order, self.how.seed, self.how.first)

    def next_batch(self) -> list[Canary]:
        """What to ask next; nothing once it has stopped, and why it has is then `stopped`."""
        if self.stopped is None and len(self.steps.asked) >= self.how.most:
            self.stopped = "budget"
        if self.stopped is not None:
            return []
        self._batch = self.steps.next_batch(min(self.how.batch, self.how.most - len(self.steps.asked)))
        if not self._batch:
            self.stopped = "canaries_used_up"
        return [self._canaries[place] for place in self._batch]

    def tell(self, recording: Recording) -> Look | None:
        """What a recording of all that was asked shows; None before the first look."""
        places = [*self.steps.asked, *self._batch]
        [told] = align([signature(recording, wholes=False)], [self._references[0].digests[place] for place in places])
        self._check_channels(told)
        beside = [one.take(places) for one in self._references]
        alike = similarities([told], beside, self.rules.channels)[:, 0]
        self.steps.tell(self._batch, alike, self._standing(told, beside), *self._shared_of(told, places))
        if not self.steps.log_odds:
            return None
        look = self._look()
        self.looks.append(look)
        return look

    def _standing(self, told: Signature, beside: Sequence[Signature]) -> Matrix:
        """How far each reference stands out among its rivals: [n_kinds, n_references], none where it does not count."""
        if not counted_with(self.rules.channels, told.access.tier, beside):
            return np.empty((0, len(beside)))
        differences = self._rivals.differences(next_tokens([told], beside, self.rules.channels)[0])
        usual = self.steps.learned.usual[..., [*self.steps.asked, *self._batch]]
        return np.asarray(standing(differences - usual).sum(axis=-1))

    def _shared_of(self, told: Signature, places: list[int]) -> tuple[SharedOn | None, list[int]]:
        """What the candidate shares with each reference, and at which places its answers differ."""
        if self.shared is None or not told.answered.any():
            return None, places
        return self.shared.seen_by(told, places)

    def unanswered(self) -> None:
        """The budget of whoever asks is spent."""
        self.stopped = "budget"

    def outcome(self, candidate: str) -> Outcome:
        """As it stands."""
        decision, named, reason = self._named
        return Outcome(
            candidate,
            "family",
            decision,
            named,
            self.alpha,
            reason,
            self.stopped,
            tuple(self.looks),
            self.boundaries.family.lineages,
            library=self.library.version,
            order=self.how.order,
            batch=self.how.batch,
            warnings=self._warnings,
        )

    def _look(self) -> Look:
        posterior = np.exp(self.steps.log_posterior)
        p_values = self.boundaries.p_values(self.steps.evidence)
        labels, best = [*self.families, UNKNOWN], int(posterior.argmax())
        needed = self.rules.unknown_at if best == len(self.families) else self.rules.attributed_at
        p, value = float(p_values[best]), float(posterior[best])
        sides = f"{labels[best]} comes out with {value:.2f} ({needed:g} is needed), p = {p:.2g}"
        if p <= self.alpha and value >= needed:
            decision: Decision = "unknown" if best == len(self.families) else "attributed"
            named = None if decision == "unknown" else labels[best]
            bound = (self.boundaries.unknown if named is None else self.boundaries.family).bound(
                np.array(self.steps.evidence)[:, best]
            )
            said = f"{sides}, at most {self.alpha:g}; that {bound:.0%} of innocents get as far is not excluded"
            self._named, self.stopped = (decision, named, said), "decided"
        else:
            self._named = ("inconclusive", None, f"{sides}; alpha is {self.alpha:g}")
        return Look(len(self.steps.asked), labels[best], value, p, e_value(p))

    def _check_channels(self, told: Signature) -> None:
        """Raise LibraryError where the answers lack a kind of evidence that the library was replayed with.

        Not of the first few: what is asked first may be answered by everybody in a word.
        """
        if len(told.canaries) < _ENOUGH_LOOKS * self.how.first:
            return
        missing = [name for name in self.rules.channels if name not in told.channels and self._fed(name)]
        if missing and told.answered.any():
            left = ",".join(name for name in self.rules.channels if name not in missing)
            why = told.unfed.get(missing[0], "no answer feeds it")
            raise LibraryError(
                f"the candidate's answers show nothing for {', '.join(missing)} ({why}); leave it out: "
                f"estimator.channels=[{left}]"
            )

    def _fed(self, name: str) -> bool:
        return all(name in one.channels for one in self._references)

    @cached_property
    def _warnings(self) -> tuple[str, ...]:
        if without_tokenizer(self.rules.channels) == self.rules.channels:
            return ()
        of_families: dict[str, set[str]] = {}
        for one in specimens_of([self.library]):
            of_families.setdefault(one.vocabulary or "", set()).add(one.family)
        return () if any(len(families) > 1 for families in of_families.values()) else (_SHARED_TOKENIZER,)
