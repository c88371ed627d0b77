"""Whether the verdict on fresh canaries agrees with that on public ones: a candidate may know a public suite.

Somebody who knows the shipped canaries can train on them, or route them to another model. Nobody can do so with
canaries that were drawn from a secret seed after the candidate was made, so the two verdicts then differ.
"""

from dataclasses import dataclass
from typing import Literal

from analysis.attribution.posterior import UNKNOWN
from analysis.verdict import Verdict, percent
from probes.errors import KinprintError

Outcome = Literal["agrees", "disagrees: known canaries are answered otherwise", "undecided"]
AGREES: Outcome = "agrees"
DISAGREES: Outcome = "disagrees: known canaries are answered otherwise"
UNDECIDED: Outcome = "undecided"


@dataclass(frozen=True)
class Agreement:
    """What two verdicts on one candidate say together.

    `public` and `fresh` are what either says: a family, `unknown`, or None where it says neither. `chance` is, where
    they disagree, the most that the posteriors themselves leave to one of the two verdicts being wrong by chance.
    """

    outcome: Outcome
    public: str | None
    fresh: str | None
    chance: float | None
    reason: str


def agreement(public: Verdict, fresh: Verdict) -> Agreement:
    """Compare the verdict on a public suite with that on a fresh one.

    Family against family, `unknown` being one of them: an answer that hides the origin on known canaries only comes out
    as well as one that feigns another. Where either verdict is open there is nothing to compare. Raises KinprintError
    if both rest on the same suite.
    """
    if public.suite == fresh.suite:
        raise KinprintError(
            f"both verdicts rest on suite {public.suite!r}; the second one must come from a fresh suite (suite=fresh)"
        )
    said = _said(public), _said(fresh)
    for verdict, one in zip((public, fresh), said, strict=True):
        if one is None:
            reason = f"the verdict on suite {verdict.suite} is open ({verdict.reason}), so there is nothing to compare"
            return Agreement(UNDECIDED, *said, None, reason)
    names = " and ".join(f"{one} on suite {v.suite}" for one, v in zip(said, (public, fresh), strict=True))
    if said[0] == said[1]:
        return Agreement(AGREES, *said, None, f"{names}")
    chance = min(1.0, sum(1 - v.posterior[str(one)] for one, v in zip(said, (public, fresh), strict=True)))
    reason = f"{names}; the posteriors leave {percent(chance)} at most to chance"
    return Agreement(DISAGREES, *said, chance, reason)


def _said(verdict: Verdict) -> str | None:
    return verdict.family if verdict.decision == "attributed" else UNKNOWN if verdict.decision == "unknown" else None
