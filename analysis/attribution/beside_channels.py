"""What counts beside the channels: how far references stand out among their rivals, and what logits have in common."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.attribution.rules import Rules
from analysis.channels.tokenizer import CHANNEL as TOKENIZER
from analysis.descent.likeliest import counts_at
from analysis.kinship.beside_rivals import Rivals, counted_with, next_tokens, standing, usual
from analysis.kinship.fitted import Fit, FittedKinship
from analysis.kinship.partial_coefficients import UNTOLD, name_at, partial_coefficients
from analysis.kinship.shared_weights import NAME as SHARED_WEIGHTS
from analysis.kinship.shared_weights import Shared, canaries_behind, shared_weights
from analysis.libraries.library import REFERENCES, Library
from analysis.signatures.signature import Signature
from analysis.signatures.unfed import Unfed
from analysis.tokenizers.shared import TokenizerMatch

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BesideChannels:
    """By `names`, `scores` [n_references, n_names] of one candidate, and `terms` [n_names, n_references, n_canaries],
    what each canary adds to them, 0 for a score of all canaries together.

    A score is NaN where nothing can be told. `rows`: as many answers that differ were looked at, where that counts.
    `left_out`: why something does not count.
    """

    names: tuple[str, ...]
    scores: Numbers
    terms: Numbers
    rows: int | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    def features(self, channels: Collection[str]) -> Numbers:
        """The scores as they count beside these channels: of what can't be told, what was learned to stand for it."""
        return np.nan_to_num(self.scores, nan=UNTOLD if TOKENIZER.name in channels else 0.0)

    def telling(self) -> Self:
        """Without scores that tell nothing of anybody, but who has the candidate's tokenizer."""
        kept = [place for place, one in enumerate(self.scores.T) if not np.isnan(one).any() or np.nan_to_num(one).any()]
        names = tuple(self.names[place] for place in kept)
        return replace(self, names=names, scores=self.scores[:, kept], terms=self.terms[kept])

    def of(self, place: int) -> dict[str, float | None]:
        """The scores with one reference, by name; None for what can't be told."""
        known = zip(self.names, self.scores[place].tolist(), strict=True)
        return {name: None if np.isnan(score) else round(score, 4) for name, score in known}


def beside_channels(
    candidate: Signature,
    library: Library,
    references: Sequence[Signature],
    rules: Rules,
    channels: tuple[str, ...],
    fitted: FittedKinship | None,
) -> BesideChannels:
    """What counts for this candidate beside these channels: what was learned, and can be seen of it."""
    found = _rivals(candidate, library, references, channels, fitted)
    name = name_at(candidate.access)
    if name != SHARED_WEIGHTS:
        hidden = "the access shows no logits (tier logits does, or chosen)"
        found = replace(found, left_out={} if SHARED_WEIGHTS in rules.switched_off else {SHARED_WEIGHTS: hidden})
    if name is None:
        return found
    common = _in_common(candidate, library, references, rules, (*channels, *found.names, name), fitted)
    if isinstance(common, Unfed):
        return replace(found, left_out={**found.left_out, name: common.reason})
    together = BesideChannels(
        (*found.names, name),
        np.column_stack([found.scores, common.scores]),
        np.concatenate([found.terms, np.zeros((1, *found.terms.shape[1:]))]),
        common.rows,
        found.left_out,
    )
    if TOKENIZER.name not in channels and name not in together.telling().names:
        untold = "no reference with its tokenizer has two rivals that have it as well"
        return replace(found, left_out={**found.left_out, name: untold})
    return together


def rivals_count(
    candidate: Signature, library: Library, references: Sequence[Signature], channels: Collection[str]
) -> tuple[str, ...]:
    """The names of what counts beside these channels. Rivals are bases, whatever else the library holds."""
    roots = [one for one, member in zip(references, library.members, strict=True) if member.role in REFERENCES]
    return counted_with(channels, candidate.access.tier, roots)


def fit_for(
    fitted: FittedKinship | None, candidate: Signature, channels: Sequence[str], rows: int | None = None
) -> Fit | None:
    """What was learned beforehand for what the candidate showed, if there is such a thing.

    `rows`: of fewer answers, where so few that differ show logits, and that counts.
    """
    answered = int(candidate.answered.sum())
    most = answered if rows is None else min(answered, canaries_behind(rows, candidate.access))
    return None if fitted is None else fitted.at(candidate.access, most, channels)


def _rivals(
    candidate: Signature,
    library: Library,
    references: Sequence[Signature],
    channels: tuple[str, ...],
    fitted: FittedKinship | None,
) -> BesideChannels:
    """Nothing, where it was not learned what it is worth."""
    names = rivals_count(candidate, library, references, channels)
    if fit_for(fitted, candidate, (*channels, *names)) is None:
        names = ()
    if not names:
        shape = (len(references), len(candidate.canaries))
        return BesideChannels((), np.empty((len(references), 0)), np.empty((0, *shape)))
    members = library.members
    rivals = Rivals.of(
        [library.lineage(member) for member in members],
        [member.family for member in members],
        [library.vocabulary(member) for member in members],
        [member.role in REFERENCES for member in members],
    )
    terms = np.zeros((len(names), len(references), len(candidate.canaries)))
    there = np.flatnonzero(rivals.beside.any(axis=(0, 1)))
    if len(there):  # who has no rivals is nobody's, and is compared with nobody
        rivals = Rivals(rivals.beside[:, there[:, None], there])
        bases, families = [references[place] for place in there], np.array([members[place].family for place in there])
        strangers, seen = library.roots(candidate.digests, candidate.access)
        everybody = np.ones((len(seen), len(bases)), dtype=bool)
        level = usual(rivals, next_tokens(seen, bases, channels), np.array(strangers), families, everybody)
        terms[:, there] = standing(rivals.differences(next_tokens([candidate], bases, channels)[0]) - level)
    return BesideChannels(names, terms.sum(axis=-1).T, terms)


def _in_common(
    candidate: Signature,
    library: Library,
    references: Sequence[Signature],
    rules: Rules,
    named: tuple[str, ...],
    fitted: FittedKinship | None,
) -> Shared | Unfed:
    """What the candidate's logits have in common with each reference's, the last of what is `named`, if it is known
    what that is worth beside the others."""
    if named[-1] in rules.switched_off:
        return Unfed("it was switched off")
    if fitted is None or not candidate.answered.any() or fit_for(fitted, candidate, named) is None:
        return Unfed("what it is worth was not learned for this access and number of canaries")
    vocabularies = [library.vocabulary(member) for member in library.members]
    lineages = [library.lineage(member) for member in library.members]
    if counts_at(candidate.access):
        match = TokenizerMatch.of(candidate, references, vocabularies)
        digests = [canary.digest for canary in candidate.canaries]
        alike = np.zeros(len(references), dtype=bool) if match is None else match.same
        members = zip(library.members, alike, strict=True)  # of others nothing is looked at, and nothing is read
        likeliest = [library.likeliest(member, digests) if same else None for member, same in members]
        roots = [member.role in REFERENCES for member in library.members]
        scores = partial_coefficients(candidate, match, likeliest, lineages, roots)
        return scores if isinstance(scores, Unfed) else Shared(scores)
    everything = [library.signature(member) for member in library.members]
    found = shared_weights(candidate, everything, lineages, vocabularies)
    if isinstance(found, Shared) and fit_for(fitted, candidate, named, found.rows) is None:
        return Unfed(f"{found.rows} of the answers differ, and what weights are worth was not learned for so few")
    return found
