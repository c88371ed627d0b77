"""Beside rivals: how far a reference stands out among others that were trained independently of it.

A stranger that was trained on the same texts is as like one reference of a recipe as another; a descendant is more like
its own base than like the rest of them. So every reference is set beside its rivals, canary by canary: those of its
family, and those with its tokenizer, none of them of its lineage; and as some references are nearer to everybody, what
strangers show is taken out, as it is from every similarity. Scores that are set beside those of a cohort come
from the verification of speakers (T-norm: Auckenthaler, Carey, Lloyd-Thomas 2000, Score Normalization for
Text-Independent Speaker Verification Systems, Digital Signal Processing 10); the spread here is that over canaries, of
the differences (the paired t-statistic of Student 1908).

What is compared is the next token: the plain Bhattacharyya coefficient of what the candidate showed with what is known
of the reference, which at few sampled answers tells seeds of one recipe apart where the corrected affinity does not. Of
who shows text alone, how likely a reference finds the beginning of the greedy answer is added (channel `greedy_token`);
where nothing was sampled, it is all that is compared.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.channels.greedy import CHANNEL as GREEDY
from analysis.channels.greedy_token import CHANNEL as GREEDY_TOKEN
from analysis.channels.interface import Arrays
from analysis.channels.next_token import CHANNEL as NEXT_TOKEN
from analysis.kinship.similarities import Matrix, fill_in
from analysis.signatures.signature import Signature

NAMES = ("beside_family", "beside_tokenizer")
"""Stand after the channels in what was learned (`analysis.kinship.fitted`): a feature for each kind of rival."""
CHANNEL = NEXT_TOKEN.name
"""What they are of: where this channel does not count, they don't, but for greedy answers at tier `text`."""
_SPREAD_OF_NOTHING = 0.01  # as if one canary more had differed by a tenth: few answers that agree are not sure
Tensor = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def counted_with(channels: Collection[str], tier: str, references: Sequence[Signature] = ()) -> tuple[str, ...]:
    """The names of what counts beside these channels at this tier; without `references`, nothing is known of them."""
    return NAMES if CHANNEL in channels or _looked_up(channels, tier, references) else ()


def _looked_up(channels: Collection[str], tier: str, references: Sequence[Signature]) -> bool:
    """Whether greedy answers are looked up in references. At other tiers the distribution says what is likeliest, and
    beside rivals of whom less is known a reference would stand out.
    """
    known = ["tokens" in one.channels.get(GREEDY_TOKEN.name, {}) for one in references]
    return tier == "text" and GREEDY.name in channels and bool(known) and all(known)


@dataclass(frozen=True)
class Rivals:
    """Who is set beside each reference, by kind of rival: `beside` [n_kinds, n_references, n_references]."""

    beside: Mask

    @classmethod
    def of(
        cls,
        lineages: Sequence[str],
        families: Sequence[str],
        vocabularies: Sequence[str | None],
        roots: Sequence[bool] | None = None,
    ) -> Self:
        """Of references with these lineages, families, and hashes of tokenizers, None where one is not known.

        `roots`: those that others may descend from (all, if None). Nobody else has rivals, or is one: heavily tuned
        models are like nobody, and beside them anybody stands out.
        """
        among = np.ones(len(lineages), dtype=bool) if roots is None else np.array(roots, dtype=bool)
        apart = (np.array(lineages)[:, None] != np.array(lineages)) & among[:, None] & among
        kinds = (np.array(families), np.array([one or f"unknown {place}" for place, one in enumerate(vocabularies)]))
        return cls(np.array([apart & (names[:, None] == names) for names in kinds]))

    def among(self, there: Mask) -> Self:
        """As if the library held no more than those `there` [n_references]."""
        return type(self)(self.beside & there)

    def differences(self, alike: npt.NDArray[Any]) -> Tensor:
        """How much more alike than its rivals each reference is, from what is `alike` [..., n_references, n_canaries]:
        [n_kinds, ..., n_references, n_canaries], NaN where there are none, or nothing is known.
        """
        known, filled = (~np.isnan(alike)).astype(np.float32), np.nan_to_num(alike).astype(np.float32)
        found = np.full((len(self.beside), *alike.shape), np.nan, np.float32)
        for kind, beside in zip(found, self.beside.astype(np.float32), strict=True):
            counts = beside @ known
            np.subtract(alike, (beside @ filled) / np.maximum(counts, 1), out=kind, where=counts > 0)
        return found


def usual(
    rivals: Rivals, alike: npt.NDArray[Any], strangers: npt.NDArray[Any], families: npt.NDArray[Any], counted: Mask
) -> Tensor:
    """How much more alike than its rivals each reference is to strangers: some are nearer to everybody, as larger
    models of a family are. [n_kinds, n_references, n_canaries], 0 where nobody is known.

    From what is `alike` [n_strangers, n_references, n_canaries], the families of the `strangers` [n_strangers] and of
    the references [n_references], and who is `counted` [n_strangers, n_references]; models of a reference's family
    never are, and every other family weighs the same. A stranger is taken as if its own family were not there.
    """
    total = np.zeros((len(rivals.beside), *alike.shape[1:]), np.float32)
    known = np.zeros_like(total)
    for family in np.unique(strangers):
        rows, other = strangers == family, families != family
        found = rivals.among(other).differences(alike[rows])
        there = ~np.isnan(found) & (counted[rows] & other)[..., None]
        n = there.sum(axis=1)
        total += np.where(there, found, 0).sum(axis=1) / np.maximum(n, 1)
        known += n > 0
    return np.asarray(total / np.maximum(known, 1), np.float32)


def standing(differences: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """What each canary adds to how far a reference stands out, in standard errors, from differences [..., n_canaries]:
    of the same shape, 0 where nothing is known; the sum over canaries is the feature.
    """
    known = ~np.isnan(differences)
    filled = np.where(known, differences, 0).astype(np.float64)
    error = standard_error(filled.sum(axis=-1), (filled**2).sum(axis=-1), known.sum(axis=-1))
    return np.asarray(filled / error[..., None])


def standard_error(total: npt.NDArray[Any], squares: npt.NDArray[Any], n: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Of a sum over `n` canaries of differences, from it and from the sum of their squares."""
    spread = np.maximum(squares - total**2 / np.maximum(n, 1), 0)
    return np.sqrt(np.asarray(spread + _SPREAD_OF_NOTHING, np.float64))


def next_tokens(candidates: Sequence[Signature], references: Sequence[Signature], channels: Collection[str]) -> Tensor:
    """How alike aligned signatures are by what counts of these channels: [n_candidates, n_references, n_canaries], NaN
    where one gave nothing."""
    alike = np.full((len(candidates), len(references), len(candidates[0].canaries)), np.nan, np.float32)
    if CHANNEL in channels:
        fill_in(alike, candidates, references, CHANNEL, _coefficients, NEXT_TOKEN.coefficient)
    for row, candidate in enumerate(candidates):
        if _looked_up(channels, candidate.access.tier, references):
            alike[row] = _sum_of_known(alike[row], _begun(candidate, references))
    return alike


def _begun(candidate: Signature, references: Sequence[Signature]) -> Tensor:
    """How likely references find the beginnings of one candidate's greedy answers: [n_references, n_canaries]."""
    found = np.full((1, len(references), len(candidate.canaries)), np.nan, np.float32)
    fill_in(found, [candidate], references, GREEDY_TOKEN.name, None, GREEDY_TOKEN.similarity)
    return np.asarray(found[0])


def _sum_of_known(one: Tensor, other: Tensor) -> Tensor:
    """The sum, NaN where neither is known."""
    total = np.nan_to_num(one) + np.nan_to_num(other)
    return np.asarray(np.where(np.isnan(one) & np.isnan(other), np.nan, total), np.float32)


def _coefficients(candidates: Sequence[Arrays], references: Sequence[Arrays], canary: int) -> Matrix:
    """Those of one canary, as a product: [n_candidates, n_references]."""
    p, q = (np.sqrt([one["bins"][canary] for one in side], dtype=np.float64) for side in (candidates, references))
    return np.asarray(p @ q.T)
