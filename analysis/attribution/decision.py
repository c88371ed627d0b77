"""From a posterior over families and `unknown` to what is said."""

from collections.abc import Mapping

from analysis.attribution.posterior import UNKNOWN, Attributor
from analysis.attribution.rules import Rules
from analysis.signatures.signature import Signature
from analysis.verdict import Decision


def posterior_of(attributor: Attributor, candidate: Signature) -> dict[str, float]:
    """By family, and for `unknown`, what an attributor says of one candidate."""
    probabilities = attributor.predict_proba([candidate])[0]
    return {str(label): float(p) for label, p in zip(attributor.classes_, probabilities, strict=True)}


def decision_of(posterior: Mapping[str, float], rules: Rules) -> tuple[Decision, str | None, str]:
    """What a posterior over families and `unknown` amounts to, the family if one is named, and why."""
    best = max(posterior, key=lambda label: posterior[label])
    needed = rules.unknown_at if best == UNKNOWN else rules.attributed_at
    if posterior[best] < needed:
        return "inconclusive", None, f"{best} comes out likeliest with {posterior[best]:.2f}, and {needed} is needed"
    if best == UNKNOWN:
        return "unknown", None, "it is no more like any known family than strangers are like each other"
    return "attributed", best, f"its answers are those of a relative of {best}"


def but_for_doubt(attributor: Attributor, candidate: Signature, reason: str) -> tuple[Decision, str]:
    """`unknown` and why, or that it is open: of thousands of families, doubt alone would make strangers of all kin.

    Doubt bounds what is known of each family, and half of the prior is shared by all of them.
    """
    doubt = attributor.doubt
    without = posterior_of(attributor.set_params(doubt=0.0), candidate)
    attributor.set_params(doubt=doubt)
    best = max(without, key=lambda label: without[label])
    if best == UNKNOWN:
        return "unknown", reason
    return "inconclusive", (
        f"its answers are most like those of {best}, but with {len(attributor.family_sizes or {})} families to choose "
        f"from, a doubt of {doubt} about what likeness is worth leaves that open"
    )
