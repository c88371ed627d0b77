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


def among_many(attributor: Attributor, candidate: Signature, reason: str) -> str:
    """Why it is `unknown`: for the `reason`, or because what speaks for the nearest family is little among so many."""
    nats = attributor.evidence([candidate])[0]
    if nats.max() <= 0:
        return reason
    return (
        f"its answers are most like those of {attributor.classes_[nats.argmax()]} ({nats.max():.1f} nats beyond "
        f"strangers'), which is too little with {len(attributor.family_sizes or nats)} families to choose from"
    )


def decision_of(posterior: Mapping[str, float], rules: Rules) -> tuple[Decision, str | None, str]:
    """What a posterior over families and `unknown` amounts to, the family if one is named, and why."""
    best = max(posterior, key=lambda label: posterior[label])
    needed = rules.unknown_at if best == UNKNOWN else rules.attributed_at
    if posterior[best] < needed:
        return "inconclusive", None, f"{best} comes out likeliest with {posterior[best]:.2f}, and {needed} is needed"
    if best == UNKNOWN:
        return "unknown", None, "it is no more like any known family than strangers are like each other"
    return "attributed", best, f"its answers are those of a relative of {best}"
