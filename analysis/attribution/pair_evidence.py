"""What the channels say that look at recordings as wholes: shown beside the verdict, and never part of it."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels import pair_channels
from analysis.channels.interface import Numbers, PairChannel
from analysis.libraries.library import Member
from analysis.signatures.signature import Signature
from analysis.verdict import Shown

Reference = tuple[Member, Signature]


def nearest_of_each(members: Sequence[Member], ratios: npt.NDArray[np.float64]) -> list[Member]:
    """The member of each family that the candidate is most akin to, the closest family first.

    `ratios` [n_members] are the log-likelihood ratios. One a family: lineages are the unit of chance, and a family's
    members are near-duplicates of each other.
    """
    nearest: dict[str, int] = {}
    for place in np.argsort(-ratios, kind="stable").tolist():
        nearest.setdefault(members[place].family, place)
    return [members[place] for place in nearest.values()]


def pair_evidence(candidate: Signature, references: Sequence[Reference], off: Collection[str] = ()) -> list[Shown]:
    """All numbers of all channels that the candidate feeds: of itself, then beside each reference.

    Every other reference is the population that a reference is compared against, so they should be of as many
    families. Numbers that are not finite are left out.
    """
    shown = []
    for name, channel in pair_channels().items():
        if name in candidate.whole and name not in off:
            shown += _alone(channel, candidate)
            shown += _beside(channel, candidate, references)
    return shown


def _alone(channel: PairChannel, candidate: Signature) -> list[Shown]:
    numbers = _finite(channel.describe(candidate.whole[channel.name]))
    return [Shown(channel.name, channel.rung, numbers)] if numbers else []


def _beside(channel: PairChannel, candidate: Signature, references: Sequence[Reference]) -> list[Shown]:
    fed = [(member, one.whole[channel.name]) for member, one in references if channel.name in one.whole]
    shown = []
    for member, arrays in fed:
        population = [other for stranger, other in fed if stranger.family != member.family]
        numbers = _finite(channel.compare(candidate.whole[channel.name], arrays, population))
        if numbers:
            shown.append(Shown(channel.name, channel.rung, numbers, member.name, member.family))
    return shown


def _finite(numbers: Numbers) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in numbers.items() if np.isfinite(value)}
