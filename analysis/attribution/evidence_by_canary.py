"""Which channels, kinds and canaries told most: the verdict's log-odds taken apart, in decibans."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.attribution.beside_channels import BesideChannels
from analysis.attribution.posterior import UNKNOWN, Attributor
from analysis.channels.tokenizer import CHANNEL as TOKENIZER
from analysis.kinship.pairing import Pairing
from analysis.libraries.library import Member
from analysis.signatures.signature import Signature
from analysis.verdict import CanaryEvidence, Evidence

DECIBANS = 10 / np.log(10)


def explain(
    attributor: Attributor,
    pairing: Pairing,
    candidate: Signature,
    references: Sequence[Signature],
    members: Sequence[Member],
    posterior: dict[str, float],
    ratios: npt.NDArray[np.float64],
    beside: BesideChannels,
) -> Evidence:
    """Compare the candidate's best reference with the best one of the next family, canary by canary.

    `ratios` [n_references] are the candidate's log-likelihood ratios. The kinship score is linear in what each canary
    adds to each feature, so the parts sum to the difference of two of them exactly; what counts `beside` the channels
    is such a feature too, or one of all canaries together.
    """
    families = sorted((family for family in posterior if family != UNKNOWN), key=lambda f: -posterior[f])
    best = [_best_of(family, ratios, members) for family in families[:2]]
    terms = [np.concatenate([pairing.terms(candidate, references[at]), beside.terms[:, at]]) for at in best]
    features, told = beside.features(pairing.channels), beside.features(())
    scores, assumed = ([of[place] for place in best] for of in (told, features - told))
    similarity = [pairing.similarities(candidate, references[place]) for place in best]
    if len(best) == 1:  # no rival: the comparison is with a stranger at background level
        terms.append(np.zeros_like(terms[0]))
        scores.append(np.zeros_like(scores[0]))
        assumed.append(np.zeros_like(scores[0]))
        similarity.append(pairing.background_)
    slopes = attributor.kinship_.slopes
    decibans = DECIBANS * slopes[:, None] * (terms[0] - terms[1])
    n = len(pairing.channels)
    if TOKENIZER.name in pairing.channels:  # what stands for what can't be told says who has the candidate's tokenizer
        row = pairing.channels.index(TOKENIZER.name)
        decibans[row] += DECIBANS * float(slopes[n:] @ (assumed[0] - assumed[1])) / decibans.shape[1]
    parts = np.append(decibans[:n].sum(axis=1), DECIBANS * slopes[n:] * (scores[0] - scores[1]))
    total = decibans.sum(axis=0)
    kinds = [canary.kind for canary in candidate.canaries]
    rows = [
        CanaryEvidence(
            id=canary.id,
            kind=canary.kind,
            decibans=round(float(total[row]), 3),
            similarity=_by_channel(pairing, similarity[0][:, row]),
            rival_similarity=_by_channel(pairing, similarity[1][:, row]),
        )
        for row, canary in enumerate(candidate.canaries)
    ]
    return Evidence(
        family=families[0],
        reference=members[best[0]].name,
        rival_family=families[1] if len(best) > 1 else None,
        rival_reference=members[best[1]].name if len(best) > 1 else None,
        channels={
            name: round(float(part), 2) for name, part in zip((*pairing.channels, *beside.names), parts, strict=True)
        },
        kinds={kind: round(float(total[[k == kind for k in kinds]].sum()), 2) for kind in dict.fromkeys(kinds)},
        canaries=tuple(sorted(rows, key=lambda row: -abs(row.decibans))),
        log_likelihood_ratios={m.name: round(float(r), 3) for m, r in zip(members, ratios, strict=True)},
        excess_similarity={
            family: _by_channel(
                pairing, pairing.terms(candidate, references[_best_of(family, ratios, members)]).sum(axis=1)
            )
            | beside.of(_best_of(family, ratios, members))
            for family in families
        },
    )


def _best_of(family: str, ratios: npt.NDArray[np.float64], members: Sequence[Member]) -> int:
    """The place of the family's reference that the candidate is most akin to."""
    return max((i for i, member in enumerate(members) if member.family == family), key=lambda i: float(ratios[i]))


def _by_channel(pairing: Pairing, values: npt.NDArray[np.float64]) -> dict[str, float | None]:
    return {
        name: None if np.isnan(value) else round(float(value), 4)
        for name, value in zip(pairing.channels, values, strict=True)
    }
