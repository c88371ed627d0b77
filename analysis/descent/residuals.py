"""Weights shared, from the likeliest tokens alone: what a reference explains of a candidate that its rivals don't.

On the candidate's own top tokens its logprobs are regressed on those of the reference and of its rivals together
(linear regression with standardised coefficients: Hastie, Tibshirani, Friedman 2009, The Elements of Statistical
Learning, sections 3.2 and 3.4.1). What training data teaches, every rival explains a little of; what follows the
weights, the reference alone. A student reproduces its teacher and what all of them share, a descendant its parent more
than that. Rivals are references with the same tokenizer: those with another are far from both sides alike, and two
strangers who share a tokenizer would look like kin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from analysis.descent.aligned import after_prompts
from analysis.descent.rivals import Models, Places
from analysis.signatures.chosen_logits import hashed, last_logits
from analysis.signatures.first_tokens import first_tokens
from analysis.signatures.unfed import Unfed
from probes.recording import Recording

Matrix = npt.NDArray[np.float64]
TOP = 20
_FEWEST_TOKENS = 5
_FEWEST_RIVALS = 2
_RIVALS_COUNT = 0.25
"""So much of what rivals explain together is taken off: they explain more of a student than its teacher does."""
_RIDGE = 2.0
"""Of coefficients nothing is known beforehand but that they are small: as if so many prompts had said zero."""
_TAUGHT = 2.0
"""Tuning moves tokens up or down wherever they come up. That mean is taken out, of a token seen n times n / (n + this)
of it."""


@dataclass(frozen=True)
class Likeliest:
    """Of one model: `tokens` [n_canaries, k], hashes of what its likeliest tokens spell, from the top, 0 for none; and
    their `logprobs`. `named` [n_named] are hashes of tokens that are known after every canary, `named_logprobs`
    [n_canaries, n_named] theirs, NaN for none.
    """

    tokens: npt.NDArray[np.uint64]
    logprobs: Matrix
    named: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    named_logprobs: Matrix = field(default_factory=lambda: np.zeros((0, 0)))

    def of(self, names: npt.NDArray[np.uint64]) -> Matrix:
        """The logprobs of other tokens [n_canaries, k]. Of one that isn't known, the lowest of the likeliest, which it
        is at most; NaN after a canary that was not answered, and for no token."""
        found = self._likely(names)
        if len(self.named):
            place, there = _looked_up(self.named, names)
            named = np.take_along_axis(self.named_logprobs, place, axis=1)
            found = np.where(np.isnan(found) & there, named, found)
        lowest = np.where(self.tokens > 0, self.logprobs, np.inf).min(axis=1, keepdims=True)
        unknown = np.isnan(found) & (names > 0) & np.isfinite(lowest)
        return np.where(unknown, lowest, found)

    def _likely(self, names: npt.NDArray[np.uint64]) -> Matrix:
        place, there = _looked_up(_with_row(self.tokens).ravel(), _with_row(names))
        return np.where(there & (names > 0), self.logprobs.ravel()[place], np.nan)


def _looked_up(
    known: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Where each of the names `wanted` stands among those `known` [n], of which there is one at least, and whether it
    does: both of its shape."""
    order = np.argsort(known)
    place = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    return place, known[place] == wanted


def _with_row(tokens: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Names that differ from row to row, but for chance."""
    rows = np.arange(1, len(tokens) + 1, dtype=np.uint64)[:, None]
    return np.asarray(tokens * (2 * rows + np.uint64(1)) + rows)  # wraps around


def likeliest(recording: Recording, digests: Sequence[str]) -> Likeliest | None:
    """All that a recording keeps of them, on these prompts, and of named tokens; None at tier `text`."""
    first = first_tokens(recording)
    if first is None:
        return None
    numbers, inverse = np.unique(first.ids, return_inverse=True)
    names = hashed([first.spelled.get(number, b"") for number in numbers.tolist()])[inverse].reshape(first.ids.shape)
    place = {digest: row for row, digest in enumerate(digests)}
    tokens = np.zeros((len(digests), first.ids.shape[1]), np.uint64)
    logprobs = np.full(tokens.shape, -np.inf)
    for row, canary in enumerate(first.canary_index.tolist()):
        digest = recording.suite.canaries[canary].digest
        if digest in place:
            tokens[place[digest]], logprobs[place[digest]] = names[row], first.logprobs[row]
    found, chosen = Likeliest(tokens, logprobs), last_logits(recording)
    if isinstance(chosen, Unfed):
        return found
    return _with_named(found, chosen.tokens, after_prompts(recording, chosen, digests).astype(np.float64))


def _with_named(known: Likeliest, named: npt.NDArray[np.uint64], logits: Matrix) -> Likeliest:
    """With named tokens' logits [n_canaries, n_named], each row up to a constant, which those show that are among the
    likeliest too; where none are, nothing is known of the named ones."""
    both = known._likely(np.broadcast_to(named, logits.shape)) - logits
    seen = np.isfinite(both).any(axis=1)
    offset = np.full((len(logits), 1), np.nan)
    offset[seen, 0] = np.nanmedian(both[seen], axis=1)
    return replace(known, named=named, named_logprobs=logits + offset)


@dataclass
class ResidualScores:
    """Scores of pairs of models; `known` [n_models], None for who showed no likeliest tokens.

    `same` [n_models, n_references] are the pairs that are compared: those of two models with one tokenizer. Everybody's
    likeliest `top` tokens are looked at, 20 at most.
    """

    models: Models
    known: Sequence[Likeliest | None]
    same: npt.NDArray[np.bool_]
    top: int = TOP
    _said: list["_Said | None"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._said = [self._said_by(row) for row in range(len(self.known))]

    def __call__(self, canaries: Places) -> Matrix:
        """How much more of a candidate a reference explains than its rivals do (`beyond_rivals`), on some canaries.

        [n_models, n_references], NaN where there are fewer than two rivals, or too few tokens to compare.
        """
        found = np.full(self.same.shape, np.nan)
        for row, said in enumerate(self._said):
            if said is not None:
                found[row, said.columns] = said.scores(canaries)
        return found

    def _said_by(self, row: int) -> "_Said | None":
        own, columns = self.known[row], np.flatnonzero(self.same[row])
        sides = [self.known[int(self.models.references[column])] for column in columns]
        if own is None or not any(sides):
            return None
        names = own.tokens[:, : min(self.top, TOP)]
        mine = np.where(names > 0, own.logprobs[:, : min(self.top, TOP)], np.nan)
        nothing = np.full(names.shape, np.nan)
        values = np.stack([mine, *(nothing if one is None else one.of(names) for one in sides)], axis=-1)
        lineage = self.models.lineages[self.models.references[columns]]
        rival = (lineage[:, None] != lineage) & (lineage != self.models.lineages[row])
        return _Said(columns, values, np.unique(names, return_inverse=True)[1].reshape(names.shape), rival)


@dataclass(frozen=True)
class _Said:
    """What was said of one model's likeliest tokens.

    `columns` [n_sides] of the references compared; `values` [n_canaries, k, 1 + n_sides], logprobs of the model itself
    and of these, NaN for what is not known; `tokens` [n_canaries, k], numbers of the tokens; `rival` [n_sides,
    n_sides], who is whose.
    """

    columns: Places
    values: npt.NDArray[np.float64]
    tokens: npt.NDArray[np.intp]
    rival: npt.NDArray[np.bool_]

    def scores(self, canaries: Places) -> npt.NDArray[np.float64]:
        """Of this model with every side on some canaries: [n_sides], NaN where nothing can be said."""
        found = np.full(len(self.columns), np.nan)
        values, rows = self._complete(canaries)
        if len(values) < _FEWEST_TOKENS:
            return found
        sides = standardised(values, rows[0], rows[1])
        alike = sides.T @ sides / len(sides)
        ridge = _RIDGE / len(np.unique(rows[0]))
        for side, rival in enumerate(self.rival):
            beside = np.array([0, 1 + side, *(1 + np.flatnonzero(rival))])
            if rival.sum() >= _FEWEST_RIVALS and np.diag(alike)[beside[:2]].all():
                found[side] = beyond_rivals(alike[np.ix_(beside, beside)], ridge)
        return found

    def _complete(self, canaries: Places) -> tuple[Matrix, npt.NDArray[np.intp]]:
        """Tokens that the model gave, and somebody knows: values [n_tokens, 1 + n_sides], and [2, n_tokens] the canary
        and the token's number. What a side was not asked is taken to be the mean of the others."""
        values = self.values[canaries].reshape(-1, self.values.shape[-1])
        rows = np.stack([np.repeat(np.arange(len(canaries)), self.tokens.shape[1]), self.tokens[canaries].ravel()])
        known = np.isfinite(values)
        usable = known[:, 0] & known[:, 1:].any(axis=1)
        values, known = values[usable], known[usable]
        mean = np.where(known, values, 0)[:, 1:].sum(axis=1) / known[:, 1:].sum(axis=1)
        return np.where(known, values, mean[:, None]), rows[:, usable]


def beyond_rivals(alike: npt.NDArray[np.float64], ridge: float) -> float:
    """Of correlations [2 + n_rivals, 2 + n_rivals] of a candidate, a reference and its rivals, in this order.

    The reference's coefficient, without what is usual for a rival (which it has where all are alike to the candidate)
    and without a part of their sum; times the multiple correlation, since of a candidate that is unlike all of them
    coefficients are mostly chance. 0 where nothing is left, 1 for a copy.
    """
    weights = np.linalg.solve(alike[1:, 1:] + ridge * np.eye(len(alike) - 1), alike[1:, 0])
    left = weights[0] - np.sqrt((weights[1:] ** 2).mean()) - _RIVALS_COUNT * weights[1:].sum()
    explained = float(2 * weights @ alike[1:, 0] - weights @ alike[1:, 1:] @ weights)
    return float(np.clip(left * np.sqrt(max(explained, 0)), 0, 1))


def standardised(values: Matrix, canaries: npt.NDArray[np.intp], tokens: npt.NDArray[np.intp]) -> Matrix:
    """Without each canary's mean, and without what a token gets wherever it comes up, in standard deviations.

    `values` [n, n_sides] with the `canaries` [n] and the `tokens` [n] that they are of; 0 where a side says the same of
    all.
    """
    for groups, doubt in ((canaries, 0.0), (tokens, _TAUGHT)):
        _, place, count = np.unique(groups, return_inverse=True, return_counts=True)
        total = np.stack([np.bincount(place, side) for side in values.T], axis=-1)
        values = values - (total / (count + doubt)[:, None])[place]
    spread = np.sqrt((values**2).mean(axis=0))
    scaled: Matrix = np.where(spread > 1e-9, values / np.maximum(spread, 1e-9), 0.0)
    return scaled
