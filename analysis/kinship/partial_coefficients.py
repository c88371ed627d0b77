"""How much of a candidate's likeliest tokens one reference explains that others don't: evidence for a family where the
likeliest tokens are all that is shown of logits.

The candidate's logprobs are regressed on those of a reference and of its rivals at once (analysis.descent.regression);
what counts is the reference's coefficient beyond the mean of theirs. Rivals are references of other lineages with its
tokenizer: two strangers who share one have more in common than others do, and without rivals nobody can say how much.
Then nothing is told, whether they are kin or not.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis.descent.likeliest import SHOWN, Likeliest, counts_at
from analysis.descent.regression import FEWEST_RIVALS, TOP, Alike, Told
from analysis.descent.rivals import UNKNOWN, Models, Places
from analysis.kinship.shared_weights import NAME as SHARED_WEIGHTS
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature
from analysis.signatures.unfed import Unfed
from analysis.tokenizers.shared import TokenizerMatch

NAME = "partial_coefficient"
"""Stands last among the channels of what was learned (`analysis.kinship.fitted`) where it counts."""
_COUNTED = 0.3
"""Of a coefficient no more counts: light tuning leaves it near 1, and beside that what heavy tuning leaves, 0.2 to 0.4,
would be as little as a stranger's 0."""
UNTOLD = 0.1
"""Stands for a reference with the candidate's tokenizer and fewer than two rivals: halfway from a stranger's 0 to what
heavy tuning leaves. In learning, strangers who are taken to share a tokenizer (analysis.benchmark.rare_cases) get it
too. Where tokenizers don't count it would tell who has the same one: there it is 0."""
Scores = npt.NDArray[np.float64]
Absent = Collection[str]
Mask = npt.NDArray[np.bool_]


def name_at(access: Access) -> str | None:
    """What counts last beside the channels at an access: this, shared weights where logits are shown, or nothing."""
    return SHARED_WEIGHTS if access.shows_logits else NAME if counts_at(access) else None


class Beside:
    """One candidate and the references that it is compared with: `sides` [n_references], None for who says nothing.

    `lineages` [n_references]: of each; `match`: who has the candidate's tokenizer. `roots` [n_references]: those that
    others may descend from; nobody else is a rival (all, if None). The likeliest `top` tokens are looked at. `lineage`:
    the candidate's where it is known, and then nobody's rival, so that a stranger is scored as if its true parent were
    not in the library.
    """

    def __init__(
        self,
        own: Likeliest,
        match: TokenizerMatch,
        sides: Sequence[Likeliest | None],
        lineages: npt.NDArray[np.str_],
        roots: Mask | None = None,
        top: int = TOP,
        lineage: str = UNKNOWN,
    ) -> None:
        self.own, self.sides, self.lineages, self.top, self.lineage = own, sides, lineages, top, lineage
        there = np.array([one is not None and _shows_enough(one) for one in sides], dtype=bool)
        self.columns = np.flatnonzero(there & match.same)
        self.untold = match.unclear | (match.same & ~there)
        self._roots = np.ones(len(self.columns), dtype=bool) if roots is None else roots[self.columns]

    def on(self, canaries: Places) -> Callable[[Absent], Scores]:
        """Coefficients beyond rivals' on some canaries [n_references], 0 for who has another tokenizer, NaN for who
        has too few rivals, says too little or may have another one; of a library from which some lineages are absent.
        """
        return _OnCanaries(self, canaries)

    @cached_property
    def told(self) -> Told:
        """What those with its tokenizer say."""
        return Told.by(self.own, [self.sides[column] for column in self.columns], self.top)

    def rivals(self, side: int, absent: Absent = ()) -> Places:
        """Of the reference at `columns[side]`: places among `columns`; none where they are too few."""
        lineages = self.lineages[self.columns]
        apart = (lineages != lineages[side]) & ~np.isin(lineages, [self.lineage, *absent]) & self._roots
        enough = len(np.unique(lineages[apart])) >= FEWEST_RIVALS
        return np.flatnonzero(apart) if enough else np.zeros(0, np.intp)

    def unexplained(self, absent: Absent = ()) -> Scores:
        """Where this is a reference itself, how much of it those that would be its rivals leave unexplained: canary by
        canary [n_canaries], of mean 1; 0 where they are too few."""
        lineages = self.lineages[self.columns]
        rivals = np.flatnonzero(~np.isin(lineages, [self.lineage, *absent]) & self._roots)
        enough = len(np.unique(lineages[rivals])) >= FEWEST_RIVALS
        left = self.told.unexplained_by(rivals if enough else rivals[:0])
        return left / max(float(left.mean()), 1e-12)


class _OnCanaries:
    """As `Beside.on` has it: each kind of absence is worked out once, since many folds ask for the same."""

    def __init__(self, beside: Beside, canaries: Places) -> None:
        self.beside, self.canaries = beside, canaries
        self._around = {*beside.lineages[beside.columns].tolist()}
        self._found: dict[frozenset[str], Scores] = {}

    def __call__(self, absent: Absent = ()) -> Scores:
        key = frozenset(absent) & self._around
        if key not in self._found:
            self._found[key] = self._scores(key)
        return self._found[key]

    @cached_property
    def _alike(self) -> Alike | None:
        return self.beside.told.alike(self.canaries)

    def _scores(self, absent: Absent) -> Scores:
        found = np.where(self.beside.untold, np.nan, 0.0)
        for side, column in enumerate(self.beside.columns.tolist()):
            rivals = self.beside.rivals(side, absent)
            explained = self._alike.explained_by(side, rivals) if len(rivals) and self._alike is not None else None
            if explained is None:
                found[column] = np.nan
            else:
                weights, _ = explained
                found[column] = min(weights[0] - weights[1:].mean(), _COUNTED)
        return found


def _shows_enough(side: Likeliest) -> bool:
    """Whether a reference shows as many tokens of any answer as counts are learned from, or named ones beside them."""
    return bool(len(side.named)) or int((side.tokens > 0).sum(axis=1).max(initial=0)) >= SHOWN


def besides_of(
    models: Models, known: Sequence[Likeliest | None], signatures: Sequence[Signature], top: int = TOP
) -> list[Beside | None]:
    """Everybody beside all references but itself; None for who showed nothing, or whose tokenizer is not known."""
    references, found = models.references.tolist(), list[Beside | None]()
    seen, vocabularies = [signatures[place] for place in references], [models.vocabularies[one] for one in references]
    for row, own in enumerate(known):
        match = None if own is None else TokenizerMatch.of(signatures[row], seen, vocabularies)
        if own is None or match is None:
            found.append(None)
            continue
        sides = [None if place == row else known[place] for place in references]
        lineages = models.lineages[models.references]
        found.append(Beside(own, match, sides, lineages, None, top, str(models.lineages[row])))
    return found


def partial_coefficients(
    candidate: Signature,
    match: TokenizerMatch | None,
    references: Sequence[Likeliest | None],
    lineages: Sequence[str],
    roots: Sequence[bool],
) -> Scores | Unfed:
    """Of each reference [n_references], as `Beside.on` has it, or why nothing can be said at all.

    All are of the candidate's canaries; `lineages`, whether others descend from them, and who has the candidate's
    tokenizer (None where nobody knows) are the references'.
    """
    if candidate.likeliest is None:
        return Unfed("the access shows no likeliest tokens (tier topk does)")
    if match is None:
        return Unfed("its tokenizer is not known, and references with another one can't be compared so")
    told = Beside(candidate.likeliest, match, references, np.array(lineages), np.array(roots))
    if match.same.any() and not len(told.columns):
        return Unfed("no likeliest tokens are known of the references with its tokenizer")
    return told.on(np.flatnonzero(candidate.answered))(())
