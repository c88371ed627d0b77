"""From a signature and a library to a verdict."""

from collections.abc import Sequence
from dataclasses import replace

from analysis.attribution.beside_channels import BesideChannels, beside_channels, fit_for, rivals_count
from analysis.attribution.decision import among_many, decision_of, posterior_of
from analysis.attribution.evidence_by_canary import explain
from analysis.attribution.hostile_answers import noise_floor, silent_conduct, suspect_conduct
from analysis.attribution.mixture import find_mixture
from analysis.attribution.pair_evidence import nearest_of_each, pair_evidence
from analysis.attribution.posterior import UNKNOWN, Attributor
from analysis.attribution.reliability import calibration, family_set, more_than_measured
from analysis.attribution.rules import Rules as Rules
from analysis.attribution.rules import check, left_out, without_tokenizer
from analysis.kinship.classifier import KinshipClassifier, fit_kinship
from analysis.kinship.fitted import Fit, FittedKinship, LinearKinship
from analysis.kinship.pairing import ExtendedPairing, Pairing
from analysis.libraries.library import Library
from analysis.one_thread import one_thread
from analysis.signatures.signature import Signature, align
from analysis.tokenizers.shared import shared_tokenizers
from analysis.verdict import Verdict
from probes.answer import TAKES_NO_IMAGES
from probes.errors import LibraryError


@one_thread()
def attribute(candidate: Signature, library: Library | None = None, rules: Rules | None = None) -> Verdict:
    """Say which family of the library a candidate descends from, or that it is none of them, or that it can't be said.

    Raises LibraryError if the library can't answer: it has no prompt in common with the candidate, or too few
    references to fit the kinship classifier.
    """
    library, rules = library or Library.load(), rules or Rules()
    check(rules, library)
    library = library.asked(candidate)
    shared = library.shared_prompts(candidate)
    [aligned] = align([candidate], shared)
    verdict = Verdict(
        candidate=candidate.name,
        tier=candidate.access.tier,
        suite=candidate.suite,
        decision="no_signal",
        family=None,
        posterior={},
        queries=candidate.queries,
        tokens=candidate.tokens,
        seconds=round(candidate.seconds, 3),
        calibration=calibration(library),
        library=library.version,
        reason="",
        canaries=len(shared),
        warnings=tuple(_warnings(candidate, shared, library)),
        noise_floor=noise_floor(candidate),
    )
    references = library.signatures(library.members, shared)
    why = left_out(rules, candidate, references)
    channels = tuple(name for name in rules.channels if name not in why)
    independent = without_tokenizer(channels)
    fitted = None if rules.kinship is None else FittedKinship.load(rules.kinship)
    named = (*channels, *rivals_count(aligned, library, references, channels))
    if fitted is not None and independent != channels and fit_for(fitted, aligned, named) is None:
        unlearned = "what sharing a tokenizer is worth was not learned for this access and number of canaries"
        channels, why = independent, {**why, **dict.fromkeys(set(channels) - set(independent), unlearned)}
    verdict = replace(verdict, left_out=why)
    reason = _no_signal(aligned, channels, rules) or _no_rival(library)
    conduct = {} if reason else silent_conduct(aligned, tuple(dict.fromkeys((*channels, *Rules.channels))))
    if reason := reason or " ".join(conduct.values()):
        shown = tuple(pair_evidence(aligned, [], rules.switched_off))
        return replace(verdict, reason=reason, conduct=conduct, shown=shown)
    beside = beside_channels(aligned, library, references, rules, channels, fitted)
    verdict = replace(verdict, left_out={**why, **beside.left_out})
    return _decide(verdict, aligned, library, references, rules, channels, fitted, beside)


def _decide(
    verdict: Verdict,
    aligned: Signature,
    library: Library,
    references: Sequence[Signature],
    rules: Rules,
    channels: tuple[str, ...],
    fitted: FittedKinship | None,
    beside: BesideChannels,
) -> Verdict:
    pairing, fit = Pairing(channels), fit_for(fitted, aligned, (*channels, *beside.names), beside.rows)
    library.remind(pairing, aligned, references)
    attributor = _attributor(pairing, aligned, library, references, rules, fit, beside)
    posterior = posterior_of(attributor, aligned)
    decision, family, reason = decision_of(posterior, rules)
    reason = among_many(attributor, aligned, reason) if decision == "unknown" else reason
    ratios = attributor.log_likelihood_ratios([aligned])[0]
    evidence = explain(attributor, pairing, aligned, references, library.members, posterior, ratios, beside)
    nearest = nearest_of_each(library.members, ratios)
    fit_families = [member.family for member in library.population]
    mixture = find_mixture(pairing, fit_families, aligned, references, [member.family for member in library.members])
    conduct = suspect_conduct(aligned, references, mixture)
    wholes = [name for name in aligned.whole if name not in rules.switched_off]
    independent = without_tokenizer(channels)
    if independent == channels:
        without = posterior
    else:
        told = beside.telling()
        named = (*independent, *told.names)
        others, fit_for_others = pairing.only(independent), fit_for(fitted, aligned, named, told.rows)
        given = (others, aligned, library, references, rules, fit_for_others, told if fit_for_others else None)
        blind = _attributor(*given) if independent else None
        without = {} if blind is None else posterior_of(blind, aligned)
    if decision == "attributed" and without.get(UNKNOWN, 0.0) >= rules.unknown_at:
        reason = f"its tokenizer alone speaks for {family}; without it, unknown comes out with {without[UNKNOWN]:.2f}"
        decision, family = "inconclusive", None
    return replace(
        verdict,
        decision=decision,
        family=family,
        posterior=posterior,
        reason=reason,
        channels=(*channels, *beside.names),
        tokenizer=shared_tokenizers(aligned, references, library.members),
        evidence=evidence,
        calibration=calibration(library, fitted, fit),
        family_set=family_set(rules, fitted, fit, posterior),
        without_tokenizer=without,
        conduct=conduct,
        warnings=(
            *verdict.warnings,
            *more_than_measured(library, fitted if fit else None),
            *(f"{name}: {said}" for name, said in conduct.items()),
        ),
        shown=tuple(pair_evidence(aligned, library.shown(nearest, wholes), rules.switched_off)),
    )


def _attributor(
    pairing: Pairing,
    candidate: Signature,
    library: Library,
    references: Sequence[Signature],
    rules: Rules,
    fit: Fit | None,
    beside: BesideChannels | None,
) -> Attributor:
    """Fitted on the library as the candidate's access sees it; only the background, where there is a `fit`."""
    kinship = _fit(pairing, library, candidate, rules, fit)
    paired = pairing if beside is None else ExtendedPairing(pairing, beside.features(pairing.channels))
    attributor = Attributor(
        kinship, paired, rules.unknown_prior, rules.family_prior, rules.doubt, family_sizes=library.sizes
    )
    return attributor.fit(references, [member.family for member in library.members])


def _fit(
    pairing: Pairing, library: Library, candidate: Signature, rules: Rules, fit: Fit | None
) -> KinshipClassifier | LinearKinship:
    families = [member.family for member in library.population]
    if len(set(families)) < 2 or (fit is None and len(set(families)) == len(families)):
        raise LibraryError(
            f"the library has {len(families)} references of {len(set(families))} families to learn kinship from; "
            "it needs at least two families, and at least one family with two references"
        )
    if fit is None:
        both = library.both_ways(candidate.digests, candidate.access)
        return fit_kinship(pairing, *both, families, rules.regularisation)
    library.learn(pairing, candidate.digests, candidate.access)
    return fit.kinship


def _no_signal(candidate: Signature, channels: Sequence[str], rules: Rules) -> str:
    """Why a candidate, seen on the prompts that the library knows, tells nothing; empty if it does."""
    answered = int(candidate.answered.sum())
    if answered < rules.min_canaries:
        counts = ", ".join(f"{n} {status}" for status, n in candidate.status_counts.items() if n)
        if not answered and set(candidate.status_counts) & {TAKES_NO_IMAGES}:
            return "the model takes no images, and the suite shows it nothing else; ask it one of text (suite=chat)"
        return (
            f"{answered} of the {len(candidate.canaries)} canaries that the library knows were answered, and at least "
            f"{rules.min_canaries} are needed (all answers by status: {counts or 'none'})"
        )
    if not channels:
        return f"the recording feeds none of the channels {', '.join(rules.channels)}"
    return ""


def _no_rival(library: Library) -> str:
    """Why no family can be told by a library of members that were asked the same; empty if one can."""
    if len(library.families) > 1:
        return ""
    return f"{library.families[0]} is the only family that was asked these prompts, so there is nothing to tell it from"


def _warnings(candidate: Signature, shared: Sequence[str], library: Library) -> list[str]:
    warnings = []
    if len(shared) < len(candidate.canaries):
        warnings.append(
            f"{len(candidate.canaries) - len(shared)} canaries are unknown to the library and were left out"
        )
    if failed := int((~candidate.answered).sum()):
        warnings.append(f"{failed} of {len(candidate.canaries)} canaries have no usable answer")
    if candidate.access.continued and any(canary.messages is None for canary in candidate.canaries):
        warnings.append(
            "plain text went through chat with an instruction to continue it; the references were asked directly, so "
            "only the canaries that are chats themselves are compared (suite=chat holds nothing else)"
        )
    if len(library.families) < 2:
        warnings.append("the library has one family only; a rival would make the comparison fair")
    return warnings
