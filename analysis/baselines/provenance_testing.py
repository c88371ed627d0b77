"""Model Provenance Testing: does a candidate agree with one parent more often than with every other?

Nikolic, Baluta, Saxena: Model Provenance Testing for Large Language Models (arXiv:2502.00706, NeurIPS 2025), Algorithm
1: the share of prompts on which candidate and parent give the same greedy first token; the parent with the highest
share is tested against each other one, which serve as controls, and is named only if Holm's procedure (Holm 1979, A
simple sequentially rejective multiple test procedure) rejects for all of them.

The test here is one-sided for the difference of two proportions, and Fisher's where a count is below five; the authors'
code has both two-sided, which halves its power. Controls are the parents of other lineages than the tested one, since
a library holds several models of one lineage, which would be each other's controls. At tier `text`, which shows no
tokens, first words take the place of first tokens. Settings: whether a pair's score is the z of that test against the
strongest control, or the plain share of agreement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.stats import fisher_exact, norm

from analysis.baselines.frequencies import frequencies, products, together
from analysis.baselines.interface import Kin, Scores
from analysis.baselines.outputs import Outputs
from analysis.baselines.thresholds import above_strangers
from probes.errors import LibraryError
from probes.manifest import TIERS

Numbers = npt.NDArray[np.float64]
_SMALL = 5
"""Hits or misses below which the exact test is taken, as in the authors' code."""


@dataclass(frozen=True)
class ProvenanceTesting:
    """Agreement of greedy first tokens: z against the strongest control, or with `plain` the share, 0 to 1."""

    plain: bool = False

    name = "provenance_testing"
    citation = "Nikolic, Baluta, Saxena 2025, Model Provenance Testing for LLMs, arXiv:2502.00706, Algorithm 1"
    accesses = TIERS
    tokenizer_dependent = True
    pairwise = False

    def grid(self) -> tuple[Self, ...]:
        """With controls, as the paper has it, and without."""
        return type(self)(False), type(self)(True)

    def scores(self, candidates: Sequence[Outputs], references: Sequence[Outputs]) -> Scores:
        """[n_candidates, n_references]; with controls, NaN where no reference of another lineage can serve as one."""
        hits, trials = agreements(candidates, references)
        share = np.where(trials > 0, hits / np.maximum(trials, 1), np.nan)
        if self.plain:
            return share
        z = np.full(share.shape, np.nan)
        own = np.array([[one.name == other.name for other in references] for one in candidates])
        rival = np.where(own | (trials == 0), -1, share)
        for columns in _lineages(references):
            controls = np.setdiff1d(np.arange(len(references)), columns)
            if len(controls):
                strongest = controls[rival[:, controls].argmax(axis=1)][:, None]
                against = [np.take_along_axis(counts, strongest, axis=1) for counts in (hits, trials)]
                usable = (trials[:, columns] > 0) & (np.take_along_axis(rival, strongest, axis=1) >= 0)
                tested = z_of_two_proportions(hits[:, columns], trials[:, columns], *against)
                z[:, columns] = np.where(usable, tested, np.nan)
        return z

    def threshold(self, scores: Scores, same_lineage: Kin) -> float:
        """The score that accuses no stranger among the training pairs; the paper's own decision is `parent_of`."""
        return above_strangers(scores, same_lineage)


BASELINE = ProvenanceTesting()


def parent_of(candidate: Outputs, references: Sequence[Outputs], alpha: float = 0.05) -> tuple[str | None, float]:
    """Algorithm 1: the name of the parent, None if there is no significant one, and the largest of Holm's p-values.

    Raises LibraryError if there is no reference to test, or none of another lineage to test it against.
    """
    others = [one for one in references if one.name != candidate.name]
    hits, trials = (counts[0].astype(int) for counts in agreements([candidate], others))
    if not trials.any():
        raise LibraryError(f"no reference answered what {candidate.name} answered; ask both the same suite")
    best = int(np.where(trials > 0, hits / np.maximum(trials, 1), -1).argmax())
    relatives = next(columns for columns in _lineages(others) if best in columns)
    controls = [place for place in range(len(others)) if place not in relatives and trials[place]]
    if not controls:
        raise LibraryError(f"no reference of another lineage than {others[best].name}'s is there as a control; add one")
    p = [p_of_two_proportions(hits[best], trials[best], hits[place], trials[place]) for place in controls]
    largest = float(holm(np.array(p)).max())
    return (others[best].name if largest <= alpha else None), largest


def agreements(candidates: Sequence[Outputs], references: Sequence[Outputs]) -> tuple[Numbers, Numbers]:
    """On how many prompts the greedy first tokens are the same, of how many: both [n_candidates, n_references]."""
    one, other = frequencies(_first_tokens, candidates, references)
    return products(one, other), together(one.present, other.present)


def z_of_two_proportions(hits: Numbers, trials: Numbers, control_hits: Numbers, control_trials: Numbers) -> Numbers:
    """The pooled z of a share of hits above a control's, of any shape; 0 where both are 0 or both are 1."""
    trials, control_trials = np.maximum(trials, 1), np.maximum(control_trials, 1)
    pooled = (hits + control_hits) / (trials + control_trials)
    error = np.sqrt(pooled * (1 - pooled) * (1 / trials + 1 / control_trials))
    difference = hits / trials - control_hits / control_trials
    z: Numbers = np.divide(difference, error, out=np.zeros(np.shape(difference)), where=error > 0)
    return z


def p_of_two_proportions(hits: int, trials: int, control_hits: int, control_trials: int) -> float:
    """One-sided p-value of "hits are no more likely than the control's": exact for small counts, else by z."""
    table = [[hits, trials - hits], [control_hits, control_trials - control_hits]]
    if min(map(min, table)) < _SMALL:
        return float(fisher_exact(table, alternative="greater").pvalue)
    counts = (np.array(float(count)) for count in (hits, trials, control_hits, control_trials))
    return float(norm.sf(z_of_two_proportions(*counts)))


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Holm's adjusted p-values [n]: those up to alpha are rejected at family-wise error alpha.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def _first_tokens(model: Outputs) -> list[dict[bytes, int]]:
    return [{} if token is None else {token: 1} for token in model.first_token]


def _lineages(references: Sequence[Outputs]) -> list[npt.NDArray[np.intp]]:
    """Places of the references of one lineage, for each; one whose lineage is not known is alone."""
    names = np.array([one.lineage or f"\0{place}" for place, one in enumerate(references)])
    return [np.flatnonzero(names == name) for name in np.unique(names)]
