"""A recording that has nothing for a channel says why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unfed:
    """Why a recording can't feed a channel, in words that stand by themselves."""

    reason: str
