"""The most telling canaries, with what the candidate and the references answered to each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.libraries.library import Library
from analysis.signatures.first_tokens import FirstTokens, first_tokens
from analysis.verdict import CanaryEvidence, Verdict
from probes.answer import GREEDY
from probes.canary import Canary
from probes.errors import LibraryError, RecordingError
from probes.recording import Recording

TOP_TOKENS = 3
MOST_DRAWS = 4
Role = Literal["candidate", "reference", "rival"]


@dataclass(frozen=True)
class Side:
    """One model's answer to one canary. `shared` is the opening that it has in common with the candidate's answer.

    `family` is that of a reference or rival. `answer` is None where there is no usable one, and `status` says why.
    `tokens` are the likeliest first tokens with their probabilities; `draws` the sampled answers, where no distribution
    was given. `likeness` by channel.
    """

    role: Role
    family: str | None
    name: str
    answer: str | None
    shared: str
    status: str
    tokens: tuple[tuple[str, float], ...]
    draws: tuple[str, ...]
    likeness: dict[str, float | None]


@dataclass(frozen=True)
class TellingCanary:
    """One canary with its evidence and all sides, the candidate first."""

    evidence: CanaryEvidence
    canary: Canary
    sides: tuple[Side, ...]


def telling_canaries(verdict: Verdict, recording: Recording, library: Library, most: int = 10) -> list[TellingCanary]:
    """The canaries with the most evidence, in that order; none where the verdict has no evidence.

    Raises RecordingError or LibraryError if the verdict was not made from this recording and library.
    """
    if verdict.candidate != recording.manifest.candidate:
        raise RecordingError(
            f"the verdict is about {verdict.candidate!r} and {recording.folder} is a recording of "
            f"{recording.manifest.candidate!r}; name the recording that the verdict was made from"
        )
    evidence = verdict.evidence
    if evidence is None:
        return []
    rows = evidence.canaries[:most]
    if missing := [row.id for row in rows if row.id not in recording.suite.by_id]:
        raise RecordingError(
            f"the verdict counts canary {missing[0]!r}, which was not asked in {recording.folder}; "
            "name the recording that the verdict was made from"
        )
    canaries = [recording.suite.by_id[row.id] for row in rows]
    own = _Answers(recording)
    reference = _Answers(_reference(library, evidence.reference))
    rival = None if evidence.rival_reference is None else _Answers(_reference(library, evidence.rival_reference))
    found = []
    for row, canary in zip(rows, canaries, strict=True):
        asked = own.side("candidate", None, canary, {}, None)
        answer = asked.answer
        sides = [asked, reference.side("reference", evidence.family, canary, row.similarity, answer)]
        if rival is not None:
            sides.append(rival.side("rival", evidence.rival_family, canary, row.rival_similarity, answer))
        found.append(TellingCanary(row, canary, tuple(sides)))
    return found


def _reference(library: Library, name: str) -> Recording:
    for member in library.members:
        if member.name == name:
            return library.recording(member)
    raise LibraryError(
        f"the verdict compares with {name!r}, which the library at {library.folder} does not hold; "
        "name the library that the verdict was made with"
    )


class _Answers:
    """A recording, looked up by prompt: suites may give one prompt different ids."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._ids = {canary.digest: canary.id for canary in recording.suite.canaries}
        self._first = first_tokens(recording)
        self._rows: dict[str, int] = {}
        if self._first is not None:
            places = self._first.canary_index.tolist()
            self._rows = {recording.suite.canaries[place].id: row for row, place in enumerate(places)}

    def side(
        self, role: Role, family: str | None, canary: Canary, likeness: dict[str, float | None], other: str | None
    ) -> Side:
        """This model's answer; `other` is the answer to mark the common opening with."""
        canary_id = self._ids.get(canary.digest, "")
        greedy = self.recording.greedy.get(canary_id)
        answer = None if greedy is None else greedy.text
        row = self._rows.get(canary_id)
        tokens = _likeliest(self._first, row) if self._first is not None and row is not None else ()
        draws = [] if tokens else self.recording.draws.get(canary_id, [])
        return Side(
            role=role,
            family=family,
            name=self.recording.manifest.candidate,
            answer=answer,
            shared=_common_opening(answer or "", other or ""),
            status=self._status(canary_id),
            tokens=tokens,
            draws=tuple(draw.text or "" for draw in draws[:MOST_DRAWS]),
            likeness=likeness,
        )

    def _status(self, canary_id: str) -> str:
        statuses: Sequence[str] = [
            answer.status
            for answer in self.recording.answers
            if answer.canary_id == canary_id and answer.draw == GREEDY
        ]
        return statuses[0] if statuses else "not_asked"


def _common_opening(one: str, other: str) -> str:
    differ = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return one[: next(differ, min(len(one), len(other)))]


def _likeliest(first: FirstTokens, row: int) -> tuple[tuple[str, float], ...]:
    """The likeliest first tokens of one row with their probabilities; bytes that are no text become ⟨0xEC⟩."""
    pairs = zip(first.ids[row].tolist(), first.logprobs[row].tolist(), strict=True)
    likeliest = [(number, logprob) for number, logprob in pairs if number >= 0][:TOP_TOKENS]
    return tuple((_spell(first.spelled[number]), float(np.exp(lp))) for number, lp in likeliest)


def _spell(token: bytes) -> str:
    """A token as text; a token may end, or begin, in the middle of a character."""
    text = token.decode("utf-8", "surrogateescape")
    return "".join(f"⟨0x{ord(c) - 0xDC00:02X}⟩" if "\udc80" <= c <= "\udcff" else c for c in text)
