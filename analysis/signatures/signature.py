"""A signature: a recording reduced to arrays, one set a channel, one row a canary."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.attribution.conduct import Conduct, conduct_of
from analysis.channels import all_channels, pair_channels
from analysis.descent.aligned import common_logits
from analysis.descent.likeliest import Likeliest, counts_at, likeliest
from analysis.signatures.chosen_logits import vocabulary_of
from analysis.signatures.observation import Access, Observation, access_of, observe
from analysis.signatures.unfed import Unfed
from analysis.signatures.whole import Whole
from probes.canary import Canary
from probes.errors import RecordingError
from probes.recording import Recording


@dataclass(frozen=True)
class Signature:
    """What one model showed, in arrays.

    `channels` maps a channel's name to its arrays [n_canaries, ...], `whole` those channels that look at the recording
    as a whole to theirs, of any shape; `unfed` says of every other channel why the recording can't feed it. `answered`
    [n_canaries] says which canaries got a usable answer. `queries`, `tokens` and `seconds` are what the recording cost,
    the engine's start apart. `conduct` is how it behaved, canary by canary (`analysis.attribution.conduct`), {} where
    that was not looked at. `digests` name the prompts as they were asked; by default, as the canaries have them.
    `logits`: those of the tokens that most vocabularies have, after each prompt [n_canaries, n_tokens], None where the
    access shows none. `likeliest`: the likeliest tokens after each, where they are all that is shown of logits.
    `vocabulary`: the hash of the tokenizer, None where it is not known.
    """

    name: str
    access: Access
    suite: str
    canaries: tuple[Canary, ...]
    channels: dict[str, dict[str, npt.NDArray[Any]]]
    answered: npt.NDArray[np.bool_]
    status_counts: dict[str, int]
    queries: int
    tokens: int
    seconds: float
    digests: tuple[str, ...] = ()
    whole: dict[str, dict[str, npt.NDArray[Any]]] = field(default_factory=dict)
    unfed: dict[str, str] = field(default_factory=dict)
    conduct: Conduct = field(default_factory=dict)
    logits: npt.NDArray[np.float32] | None = None
    likeliest: Likeliest | None = None
    vocabulary: str | None = None

    def __post_init__(self) -> None:
        if not self.digests:
            object.__setattr__(self, "digests", tuple(canary.digest for canary in self.canaries))

    def take(self, places: Sequence[int] | npt.NDArray[np.intp]) -> Self:
        """The same signature on some canaries only, in the order given."""
        chosen = np.asarray(places, dtype=np.intp)
        if np.array_equal(chosen, np.arange(len(self.canaries))):
            return self
        channels = {
            name: {key: value[chosen] for key, value in arrays.items()} for name, arrays in self.channels.items()
        }
        canaries = tuple(self.canaries[place] for place in chosen)
        digests = tuple(self.digests[place] for place in chosen)
        conduct = {key: value[chosen] for key, value in self.conduct.items()}
        return replace(
            self,
            canaries=canaries,
            digests=digests,
            channels=channels,
            answered=self.answered[chosen],
            conduct=conduct,
            logits=None if self.logits is None else self.logits[chosen],
            likeliest=None if self.likeliest is None else self.likeliest.take(chosen),
        )


def signature(
    recording: Recording, access: Access | None = None, wholes: bool = True, only: Collection[str] | None = None
) -> Signature:
    """Reduce a recording to its signature, as its own access or a lower one would have seen it.

    Without `wholes`, the channels that look at the recording as a whole are left out, and how the candidate behaved:
    they take the most time, and nothing is decided by them. With `only`, nothing is looked at but these channels, of
    either kind. Raises RecordingError if the recording can't be read at that access.
    """
    observation = observe(recording, access)
    own = access is None or access == access_of(recording)
    channels, whole, unfed = _extracted(recording, observation, own and wholes, only)
    manifest, digests = recording.manifest, [canary.digest for canary in recording.suite.canaries]
    return Signature(
        name=manifest.candidate,
        access=observation.access,
        suite=recording.suite.name,
        canaries=recording.suite.canaries,
        digests=prompts_asked(recording),
        channels=channels,
        answered=np.array([canary.id in recording.usable for canary in recording.suite.canaries]),
        status_counts=manifest.counts,
        queries=manifest.queries,
        tokens=manifest.prompt_tokens + manifest.completion_tokens,
        seconds=manifest.seconds,
        whole=whole,
        unfed=unfed,
        conduct=conduct_of(recording) if wholes and only is None else {},
        logits=common_logits(recording) if observation.access.shows_logits and only is None else None,
        likeliest=likeliest(recording, digests) if counts_at(observation.access) and only is None else None,
        vocabulary=vocabulary_of(recording),
    )


_Extracted = dict[str, dict[str, npt.NDArray[Any]]]


def _extracted(
    recording: Recording, observation: Observation, wholes: bool, only: Collection[str] | None = None
) -> tuple[_Extracted, _Extracted, dict[str, str]]:
    """The arrays of both kinds of channels, and why others have none.

    Recordings are compared as wholes only as they were recorded, so a lower access leaves those channels out.
    """
    channels: _Extracted = {}
    whole: _Extracted = {}
    unfed: dict[str, str] = {}
    found = [
        (name, channels, channel.extract(observation))
        for name, channel in all_channels().items()
        if only is None or name in only
    ]
    if wholes:
        seen = Whole(recording, observation)
        found += [
            (name, whole, channel.extract(seen))
            for name, channel in pair_channels().items()
            if only is None or name in only
        ]
    for name, kind, arrays in found:
        if isinstance(arrays, Unfed):
            unfed[name] = arrays.reason
        else:
            kind[name] = dict(arrays)
    return channels, whole, unfed


def prompts_asked(recording: Recording) -> tuple[str, ...]:
    """Names of the prompts as asked: a text with an instruction to continue it, in a chat, is not the text itself."""
    wrapped = bool(recording.manifest.access.get("continuation"))
    return tuple(c.digest + "-continued" * (wrapped and c.text is not None) for c in recording.suite.canaries)


def align(signatures: Sequence[Signature], digests: Sequence[str]) -> list[Signature]:
    """The signatures on exactly these prompts, in this order. Raises RecordingError if one lacks a prompt."""
    aligned = []
    for one in signatures:
        place = {digest: number for number, digest in enumerate(one.digests)}
        if missing := [digest for digest in digests if digest not in place]:
            raise RecordingError(f"the recording of {one.name} lacks {len(missing)} of the {len(digests)} prompts")
        aligned.append(one.take([place[digest] for digest in digests]))
    return aligned
