"""The rules of a verdict: which channels decide, what was thought likely before, how sure one has to be."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from analysis.channels import all_channels, pair_channels
from analysis.channels.greedy_token import CHANNEL as GREEDY_TOKEN
from analysis.kinship.fitted import SHIPPED
from analysis.kinship.partial_coefficients import NAME as PARTIAL_COEFFICIENT
from analysis.kinship.shared_weights import NAME as SHARED_WEIGHTS
from analysis.libraries.library import Library
from analysis.signatures.signature import Signature
from probes.errors import KinprintError


@dataclass(frozen=True)
class Rules:
    """How a verdict is reached. `attributed_at` and `unknown_at` are the posterior probabilities needed to say so.

    `doubt` is the probability granted to the likelihoods meaning nothing for a lineage that they never saw: it keeps a
    classifier that knows few lineages from certainty. `channels` decide, and `shared_weights` or `partial_coefficient`
    where it was learned what they are worth (analysis.kinship.shared_weights, analysis.kinship.partial_coefficients);
    all others are only shown, and those `switched_off` are not even that.
    `kinship`: the file that `kinprint fit` wrote, or `shipped`. Where it has no fit for what a candidate showed,
    kinship is learned from the library's own references, and channels that depend on the tokenizer don't decide: while
    every family of a library has a tokenizer of its own, it would be taken for proof of descent. With None it is
    learned from the library's references whatever the channels.
    """

    channels: tuple[str, ...] = ("next_token", "greedy", "wording", "tokenizer")
    unknown_prior: float = 0.5
    family_prior: Mapping[str, float] | None = None
    regularisation: float = 0.01
    doubt: float = 0.01
    attributed_at: float = 0.9
    unknown_at: float = 0.9
    min_canaries: int = 8
    switched_off: tuple[str, ...] = ()
    kinship: str | None = SHIPPED


def left_out(rules: Rules, candidate: Signature, references: Sequence[Signature]) -> dict[str, str]:
    """Why channels give nothing: switched off, not fed by the candidate, or (of those that decide) by a reference.

    A reference without a channel that decides would look like a stranger in it, for no fault of the candidate's.
    """
    why = dict(candidate.unfed)
    for name in rules.channels:
        lacking = [one for one in references if name in one.unfed]
        if name not in why and lacking:
            why[name] = f"the reference {lacking[0].name} has nothing for it: {lacking[0].unfed[name]}"
    return dict(sorted((why | dict.fromkeys(rules.switched_off, "it was switched off")).items()))


def without_tokenizer(channels: Collection[str]) -> tuple[str, ...]:
    """Those of the channels that can't tell models apart by their tokenizer alone."""
    known = all_channels()
    return tuple(name for name in channels if name not in known or not known[name].tokenizer_dependent)


def check(rules: Rules, library: Library) -> None:
    """Raise KinprintError if the rules can't be followed with this library."""
    known = all_channels()
    if unknown := [name for name in rules.channels if name not in known]:
        why = "the channel {!r} is only shown" if unknown[0] in pair_channels() else "there is no channel {!r}"
        raise KinprintError(f"{why.format(unknown[0])}; known are {', '.join(sorted(known))}")
    if not rules.channels:
        raise KinprintError(f"estimator.channels is empty; name at least one of {', '.join(sorted(known))}")
    offered = {*known, *pair_channels(), SHARED_WEIGHTS, PARTIAL_COEFFICIENT}
    if unknown := [name for name in rules.switched_off if name not in offered]:
        names = ", ".join(sorted(offered))
        raise KinprintError(f"switched_off: there is no channel {unknown[0]!r}; known are {names}")
    if GREEDY_TOKEN.name in rules.switched_off:
        raise KinprintError(f"switched_off: {GREEDY_TOKEN.name} counts as a part of greedy; switch that off")
    for name in ("attributed_at", "unknown_at"):
        if not 0.5 < getattr(rules, name) <= 1:
            raise KinprintError(f"{name} must lie above 0.5 and at most at 1; it is {getattr(rules, name)}")
    if not 0 < rules.unknown_prior < 1:
        raise KinprintError(f"unknown_prior must lie between 0 and 1; it is {rules.unknown_prior}")
    if not 0 <= rules.doubt < 0.5:
        raise KinprintError(f"doubt must lie in [0, 0.5); it is {rules.doubt}")
    if not rules.regularisation > 0:
        raise KinprintError(f"regularisation must be above 0; it is {rules.regularisation}")
    if rules.family_prior is not None and set(rules.family_prior) != set(library.families):
        raise KinprintError(
            f"family_prior names {sorted(rules.family_prior)}; it must weigh exactly the library's families, "
            f"{', '.join(library.families)}"
        )
    if rules.family_prior is not None and not all(weight > 0 for weight in rules.family_prior.values()):
        raise KinprintError(f"family_prior must weigh every family above 0; it is {dict(rules.family_prior)}")
