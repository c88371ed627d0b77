"""Weights shared, from the likeliest tokens alone: what a candidate says of them beyond what close strangers say.

On the candidate's own top tokens, what the rivals say on average is taken out of candidate and reference, and the rest
correlated, prompt by prompt. Rivals are references with the same tokenizer: those with another are far from both sides
alike, and two strangers who share a tokenizer would look like kin. It tells descendants from strangers to some degree;
a student's rest follows its teacher's as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.descent.rivals import Models, Places, rivals_mean
from analysis.signatures.chosen_logits import hashed
from analysis.signatures.first_tokens import first_tokens
from probes.recording import Recording

Matrix = npt.NDArray[np.float64]
TOP = 20
_FEWEST_TOKENS = 5


@dataclass(frozen=True)
class Likeliest:
    """Of one model: `tokens` [n_canaries, k], hashes of what its likeliest tokens spell, from the top, 0 for none;
    and their `logprobs`."""

    tokens: npt.NDArray[np.uint64]
    logprobs: Matrix

    def of(self, names: npt.NDArray[np.uint64]) -> Matrix:
        """The logprobs of other tokens [n_canaries, k], NaN where they are not among its own."""
        mine, wanted = (_with_row(side).ravel() for side in (self.tokens, names))
        order = np.argsort(mine)
        place = order[np.minimum(np.searchsorted(mine, wanted, sorter=order), len(mine) - 1)]
        found = np.where((mine[place] == wanted) & (names.ravel() > 0), self.logprobs.ravel()[place], np.nan)
        return found.reshape(names.shape)


def _with_row(tokens: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Names that differ from row to row, but for chance."""
    rows = np.arange(1, len(tokens) + 1, dtype=np.uint64)[:, None]
    return np.asarray(tokens * (2 * rows + np.uint64(1)) + rows)  # wraps around


def likeliest(recording: Recording, digests: Sequence[str]) -> Likeliest | None:
    """All that a recording keeps of them, on these prompts; None at tier `text`."""
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
    return Likeliest(tokens, logprobs)


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
    _correlations: npt.NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._correlations = residual_correlations(self.models, self.known, self.same, self.top)

    def __call__(self, canaries: Places) -> Matrix:
        """The mean correlation on some canaries beyond that with rivals: [n_models, n_references], NaN for nothing."""
        return residual_scores(self.models, self._correlations, canaries)


def residual_correlations(
    models: Models,
    known: Sequence[Likeliest | None],
    same: npt.NDArray[np.bool_],
    top: int = TOP,
) -> npt.NDArray[np.float32]:
    """[n_models, n_references, n_canaries]; NaN where there is no rival. Parameters as of `ResidualScores`."""
    n = next((len(one.tokens) for one in known if one is not None), 0)
    found = np.full((*same.shape, n), np.nan, np.float32)
    references = models.references
    lineage = models.lineages[references]
    for row, own in enumerate(known):
        columns = np.flatnonzero(same[row])
        if own is None or not len(columns):
            continue
        strangers = (lineage != models.lineages[row]) & (references != row)
        names = own.tokens[:, : min(top, TOP)]
        theirs = {column: _of(known[int(references[column])], names) for column in columns.tolist()}
        mine = np.where(names > 0, own.logprobs[:, : min(top, TOP)], np.nan)
        rivals = [column for column in columns.tolist() if strangers[column]]
        total, count = _sum([theirs[column] for column in rivals], names.shape)
        for column in columns.tolist():
            related = [theirs[other] for other in rivals if lineage[other] == lineage[column]]
            less, fewer = _sum(related, names.shape)
            left = count - fewer
            population = np.where(left > 0, (total - less) / np.maximum(left, 1), np.nan)
            found[row, column] = _correlation(mine, theirs[column], population)
    return found


def _of(side: Likeliest | None, names: npt.NDArray[np.uint64]) -> Matrix:
    return np.full(names.shape, np.nan) if side is None else side.of(names)


def _sum(values: Sequence[Matrix], shape: tuple[int, ...]) -> tuple[Matrix, Matrix]:
    """Of what is known, and how much is: both of that shape."""
    total, count = np.zeros(shape), np.zeros(shape)
    for one in values:
        total += np.nan_to_num(one)
        count += np.isfinite(one)
    return total, count


def residual_scores(models: Models, correlations: npt.NDArray[np.float32], canaries: Places) -> Matrix:
    """The mean correlation on some canaries beyond that with rivals compared: [n_models, n_references]."""
    mean = _mean(correlations[..., canaries].transpose(2, 0, 1).astype(np.float64))
    rivals = rivals_mean(models, mean)
    return np.asarray(mean - np.where(np.isnan(rivals), 0.0, rivals))


def _correlation(candidate: Matrix, reference: Matrix, population: Matrix) -> Matrix:
    """Of what is left when the population is taken out [n_canaries], NaN where too few tokens are known to all."""
    known = np.isfinite(candidate) & np.isfinite(reference) & np.isfinite(population)
    n = known.sum(axis=1, keepdims=True)
    sides = []
    for side in (candidate, reference):
        rest = np.where(known, side - population, 0.0)
        sides.append(np.where(known, rest - rest.sum(axis=1, keepdims=True) / np.maximum(n, 1), 0.0))
    one, other = sides
    size = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    usable = (n[:, 0] >= _FEWEST_TOKENS) & (size > 0)
    return np.where(usable, (one * other).sum(axis=1) / np.where(size > 0, size, 1), np.nan)


def _mean(stack: Matrix) -> Matrix:
    """Over the first axis, of what is known; NaN where nothing is."""
    known = np.isfinite(stack)
    n = known.sum(axis=0)
    return np.where(n > 0, np.where(known, stack, 0).sum(axis=0) / np.maximum(n, 1), np.nan)
