"""Two recordings side by side, on the canaries that both answered, which are paired by their prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.equality.paired_draws import CHARACTERS, PairedDraws, paired_draws
from analysis.equality.paired_tops import Top, agrees, distance, tops
from analysis.signatures.observation import Access, Observation, access_of, observe
from probes.errors import RecordingError
from probes.recording import Recording

MOST_TOPS = 20
FEWEST = 8


@dataclass(frozen=True)
class Paired:
    """Two recordings side by side, on the canaries that both answered.

    `ids`: those canaries. At `tops`: their likeliest tokens on both sides, and `distances` [n]. At `draws`: `draws`.
    `agree` [n]: whether the greedy answers begin alike.
    """

    basis: Literal["tops", "draws"]
    ids: tuple[str, ...]
    agree: npt.NDArray[np.bool_]
    tops: tuple[tuple[Top, Top], ...] = ()
    draws: tuple[PairedDraws, ...] = ()

    @property
    def distances(self) -> npt.NDArray[np.float64]:
        """How far apart the sides are: [n_canaries]; at `draws` unbiased, so that it may be below 0."""
        if self.basis == "tops":
            return np.array([distance(one, other) for one, other in self.tops])
        return np.array([pair.size for pair in self.draws])


def pair(one: Recording, other: Recording) -> Paired:
    """Put two recordings side by side, at the lower access of the two. Raises RecordingError if they can't be."""
    _check_alike(one, other)
    tops_there = "text" not in (access_of(one).tier, access_of(other).tier)
    sides = (observe(one), observe(other)) if tops_there else (_sampled(one), _sampled(other))
    places = {canary.digest: place for place, canary in enumerate(sides[1].canaries)}
    shared = [(p, places[c.digest]) for p, c in enumerate(sides[0].canaries) if c.digest in places]
    paired = _paired_tops(sides, shared) if tops_there else _paired_draws((one, other), sides, shared)
    if len(paired.ids) < FEWEST:
        what = "first-token logprobs" if tops_there else "at least two sampled answers each"
        raise RecordingError(
            f"{one.folder} and {other.folder} share {len(paired.ids)} canaries with {what}; comparing takes {FEWEST}: "
            "collect both with the same suite and tier"
        )
    return paired


def _paired_tops(sides: tuple[Observation, Observation], shared: Sequence[tuple[int, int]]) -> Paired:
    k = min(side.token_ids.shape[1] for side in sides if side.token_ids is not None)
    k = min(k, MOST_TOPS)
    one, other = (tops(side, k) for side in sides)
    there = [(sides[0].canaries[p].id, a, b) for p, q in shared if (a := one[p]) and (b := other[q])]
    return Paired(
        "tops",
        tuple(name for name, _, _ in there),
        np.array([agrees(a, b) for _, a, b in there], dtype=bool),
        tops=tuple((a, b) for _, a, b in there),
    )


def _paired_draws(
    recordings: tuple[Recording, Recording],
    sides: tuple[Observation, Observation],
    shared: Sequence[tuple[int, int]],
) -> Paired:
    settings = [[r.manifest.sampling.get(key) for key in ("temperature", "top_p")] for r in recordings]
    if settings[0] != settings[1]:
        raise RecordingError(
            f"{recordings[0].folder} and {recordings[1].folder} were sampled with other settings (temperature and "
            f"top_p {settings[0]} and {settings[1]}); collect both with the same"
        )
    ids, agree, found = [], [], []
    for p, q in shared:
        canaries = sides[0].canaries[p], sides[1].canaries[q]
        texts = [
            side.texts[place] if canary.id in recording.draw_texts else ()
            for recording, side, place, canary in zip(recordings, sides, (p, q), canaries, strict=True)
        ]
        drawn = paired_draws(*texts) if canaries[0].max_tokens == canaries[1].max_tokens else None
        if drawn is not None:
            greedy = [(side.greedy[place] or b"")[:CHARACTERS] for side, place in zip(sides, (p, q), strict=True)]
            ids.append(canaries[0].id)
            found.append(drawn)
            agree.append(greedy[0] == greedy[1])
    return Paired("draws", tuple(ids), np.array(agree, dtype=bool), draws=tuple(found))


def _sampled(recording: Recording) -> Observation:
    """A recording as its sampled answers show it."""
    most = max((len(texts) for texts in recording.draw_texts.values()), default=0)
    if most < 2:
        raise RecordingError(
            f"{recording.folder} has no two sampled answers to a canary, and the other side shows no logprobs; "
            "collect it with tier=text or tier=all"
        )
    return observe(recording, Access("text", draws=most))


def _check_alike(one: Recording, other: Recording) -> None:
    """Raise RecordingError if the two were put to their models in different ways."""
    if one.folder.resolve() == other.folder.resolve():
        raise RecordingError(f"{one.folder} is named twice; name two recordings")
    if access_of(one).continued != access_of(other).continued:
        raise RecordingError(
            f"texts were continued through chat in one of {one.folder} and {other.folder} and as they are in the "
            "other; collect both through the same kind of endpoint"
        )
