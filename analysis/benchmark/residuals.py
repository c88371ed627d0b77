"""Weights shared, from the likeliest tokens alone: what a candidate says of them beyond what close strangers say.

On the candidate's own top tokens, what the rivals (references of one tokenizer and other lineages) say on average is
taken out of candidate and reference, and the rest correlated, prompt by prompt. It tells descendants from strangers to
some degree; a student's rest follows its teacher's as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.benchmark.descent import Places, rivals_mean
from analysis.benchmark.specimens import Specimen
from analysis.first_tokens import first_tokens

Matrix = npt.NDArray[np.float64]
TOP = 20
_FEWEST_TOKENS = 5


@dataclass(frozen=True)
class Likeliest:
    """Of one model: `ids`, `logprobs` [n_canaries, k] of its likeliest tokens in descending order; id -1 for none."""

    ids: npt.NDArray[np.int64]
    logprobs: Matrix

    def of(self, names: npt.NDArray[np.int64]) -> Matrix:
        """The logprobs of other tokens [n_canaries, k], NaN where they are not among its own."""
        found = np.full(names.shape, np.nan)
        for row, (mine, wanted) in enumerate(zip(self.ids, names, strict=True)):
            order = np.argsort(mine)
            place = order[np.minimum(np.searchsorted(mine, wanted, sorter=order), len(mine) - 1)]
            found[row] = np.where((mine[place] == wanted) & (wanted >= 0), self.logprobs[row][place], np.nan)
        return found


def likeliest(specimen: Specimen, digests: Sequence[str]) -> Likeliest | None:
    """All that a recording keeps of them, on these prompts; None at tier `text`."""
    recording = specimen.recording
    first = first_tokens(recording)
    if first is None:
        return None
    place = {digest: row for row, digest in enumerate(digests)}
    ids = np.full((len(digests), first.ids.shape[1]), -1, np.int64)
    logprobs = np.full(ids.shape, -np.inf)
    for row, canary in enumerate(first.canary_index.tolist()):
        digest = recording.suite.canaries[canary].digest
        if digest in place:
            ids[place[digest]], logprobs[place[digest]] = first.ids[row], first.logprobs[row]
    return Likeliest(ids, logprobs)


def residual_correlations(
    models: Sequence[Specimen],
    references: Places,
    known: Sequence[Likeliest | None],
    same: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float32]:
    """[n_models, n_references, n_canaries]; `same` [n_models, n_references] marks the pairs that can be compared."""
    n = next((len(one.ids) for one in known if one is not None), 0)
    found = np.full((*same.shape, n), np.nan, np.float32)
    lineage = np.array([models[place].lineage for place in references])
    for row, own in enumerate(known):
        columns = np.flatnonzero(same[row])
        sides = [known[int(references[column])] for column in columns]
        if own is None or not len(columns):
            continue
        names = own.ids[:, :TOP]
        theirs = np.stack([side.of(names) for side in sides if side is not None])
        mine = np.where(names >= 0, own.logprobs[:, :TOP], np.nan)
        strangers = lineage[columns] != models[row].lineage
        for place, column in enumerate(columns):
            rivals = strangers & (lineage[columns] != lineage[column])
            if rivals.any():
                found[row, column] = _correlation(mine, theirs[place], _mean(theirs[rivals]))
    return found


def residual_scores(
    models: Sequence[Specimen], references: Places, correlations: npt.NDArray[np.float32], canaries: Places
) -> Matrix:
    """The mean correlation on some canaries beyond that with the rivals: [n_models, n_references]."""
    mean = _mean(correlations[..., canaries].transpose(2, 0, 1).astype(np.float64))
    return mean - rivals_mean(models, references, mean)


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
