"""Weights shared with this reference: how much of a candidate's logits lies in the reference's space, beside rivals.

Logits are of the same strings, whatever the vocabularies. A score is 0 where the reference explains as little as its
rivals do, 1 where it explains everything. Rivals are references of the same size with other vocabularies than the
reference's, and of other lineages than the candidate's, so that a stranger is scored as if its true parent were not in
the library, and as if nobody else there had the parent's vocabulary. Where there are none, those with its vocabulary
are; where there are none either, what other lineages score with the reference stands in, or the expectation for random
spaces.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
import numpy.typing as npt

from analysis.chosen_logits import ChosenLogits, hashed, prompt_numbers
from analysis.descent.spaces import FEWEST_ROWS, by_chance, reference_space, rows_space, weakest_third
from analysis.unfed import Unfed
from probes.chosen_tokens import COMMON
from probes.recording import Recording

UNKNOWN = ""
"""Stands for the lineage of a model of which it is not known; it is nobody's control."""
Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
NAMED_A_QUERY = 128
"""Tokens whose logprobs vLLM gives on request (`logprob_token_ids`)."""
_COMMON = hashed(COMMON)
_ENOUGH, _FEWEST_TOKENS = 256, 32
_RIVALS = 8
_SAME_SIZE = 1.25
"""Spaces of which the larger has at most so many times the directions of the smaller are of one size."""


def aligned_logits(
    chosen: Sequence[ChosenLogits | Unfed],
    recordings: Sequence[Recording],
    tokens: npt.NDArray[np.uint64],
    digests: Sequence[str],
) -> list[npt.NDArray[np.float32] | None]:
    """Logits of tokens, named by hashes of what they spell, after each prompt [n_canaries, n_tokens], NaN for none.

    None for a recording that holds none, or lacks one of the tokens.
    """
    return [
        None
        if isinstance(one, Unfed) or not len(tokens) or not np.isin(tokens, one.tokens).all()
        else after_prompts(recording, _only(one, tokens), digests)
        for one, recording in zip(chosen, recordings, strict=True)
    ]


def common_tokens(held: Sequence[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """Hashes of the common tokens that all of these hold; where they hold few of them, of all that they share.

    None at all where they share too few to compare anybody on.
    """
    shared = reduce(np.intersect1d, [one[one > 0] for one in held])
    common = np.intersect1d(shared, _COMMON)
    tokens: npt.NDArray[np.uint64] = common if len(common) >= _ENOUGH else shared
    return tokens if len(tokens) >= _FEWEST_TOKENS else tokens[:0]


def _only(chosen: ChosenLogits, tokens: npt.NDArray[np.uint64]) -> ChosenLogits:
    """The logits of these tokens alone, in this order; all of them are there."""
    order = np.argsort(chosen.tokens, kind="stable")
    columns = order[np.searchsorted(chosen.tokens[order], tokens)]
    return replace(chosen, logits=chosen.logits[:, columns], tokens=tokens, ids=chosen.ids[columns])


def after_prompts(recording: Recording, chosen: ChosenLogits, digests: Sequence[str]) -> npt.NDArray[np.float32]:
    """The logits that a recording holds in the order of prompts [n_canaries, n_tokens], NaN where there are none."""
    number = dict(zip(prompt_numbers(recording).tolist(), (c.digest for c in recording.suite.canaries), strict=True))
    place = {digest: row for row, digest in enumerate(digests)}
    logits = np.full((len(digests), chosen.logits.shape[1]), np.nan, np.float32)
    for row, prompt in zip(chosen.logits, chosen.rows[:, 0].tolist(), strict=True):
        if number[prompt] in place:
            logits[place[number[prompt]]] = row
    return logits


def rows_for(canaries: Places, n_tokens: int, named: int | None) -> Places:
    """Those of the canaries whose logits can be had for as many queries as there are canaries.

    `named`: how many tokens a query names; None where it shows them all.
    """
    return canaries if named is None else canaries[: len(canaries) * named // n_tokens]


@dataclass(frozen=True)
class Models:
    """Who is compared.

    `lineages` [n_models]: the independent training that the weights come from, "" where not known; `vocabularies`
    [n_models]: hashes of the tokenizers, None where not known; `references` [n_references]: the places of those that
    descent is asked about.
    """

    lineages: npt.NDArray[np.str_]
    vocabularies: Sequence[str | None]
    references: Places


@dataclass
class SpaceScores:
    """Scores of pairs of models; `logits` [n_canaries, n_tokens] are of the same tokens, None where not known."""

    models: Models
    logits: Sequence[npt.NDArray[np.float32] | None]
    _spaces: dict[int, Matrix] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        given = [(int(place), self.logits[place]) for place in self.models.references]
        self._spaces = {place: reference_space(_known(rows)) for place, rows in given if rows is not None}

    def __call__(self, canaries: Places, named: int | None = None, most: int | None = None) -> Matrix:
        """[n_models, n_references] from -1 to 1, NaN for the model itself, and where rows are too few.

        `most` directions of everybody's rows are looked at, the strongest; None where all are.
        """
        plain, chance = self._plain(canaries, named, most)
        expected = np.full(plain.shape, np.nan)
        others = other_vocabularies(self.models)
        for stand_in in (
            rivals_mean(self.models, plain, self._sizes(), others),
            rivals_mean(self.models, plain, self._sizes()),
            controls_mean(self.models, plain),
            chance,
        ):
            expected = np.where(np.isnan(expected), stand_in, expected)
        return _beyond(plain, expected)

    def with_reference(self, column: int, canaries: Places, models: Places) -> npt.NDArray[np.float64]:
        """Scores of some models [n_models] with one reference alone, beside a few of its rivals; NaN as above."""
        lineages = self.models.lineages[self.models.references]
        rival = _rivals(lineages, self._sizes())[column]
        others = rival & other_vocabularies(self.models)[column]
        found = np.flatnonzero(others if others.any() else rival)
        rivals = found[np.linspace(0, len(found) - 1, min(_RIVALS, len(found))).astype(np.intp)]
        plain, chance = self._plain(canaries, None, None, np.array([column, *rivals.tolist()], dtype=np.intp), models)
        beside = np.full((len(models), len(rivals)), np.nan)
        usable = lineages[rivals] != self.models.lineages[models][:, None]
        beside[usable] = plain[np.ix_(models, rivals)][usable]
        known = np.isfinite(beside).sum(axis=1)
        mean = np.nan_to_num(beside).sum(axis=1) / np.maximum(known, 1)
        expected = np.where(known > 0, mean, chance[models, column])
        return _beyond(plain[models, column], expected)

    def _plain(
        self,
        canaries: Places,
        named: int | None,
        most: int | None,
        columns: Places | None = None,
        models: Places | None = None,
    ) -> tuple[Matrix, Matrix]:
        """What each reference explains of each model, and what is expected of random spaces; of some alone."""
        references = self.models.references
        plain = np.full((len(self.logits), len(references)), np.nan)
        chance = plain.copy()
        for row in range(len(self.logits)) if models is None else models.tolist():
            logits = self.logits[row]
            if logits is None:
                continue
            shown = _known(logits[rows_for(canaries, logits.shape[1], named)])
            if len(shown) < FEWEST_ROWS:
                continue
            rows: dict[int, Matrix] = {}
            for column in range(len(references)) if columns is None else columns.tolist():
                place = int(references[column])
                if place == row or place not in self._spaces:
                    continue
                space = self._spaces[place]
                if len(space) not in rows:
                    rows[len(space)] = rows_space(shown, len(space) if most is None else min(most, len(space)))
                plain[row, column] = weakest_third(rows[len(space)], space)
                chance[row, column] = by_chance(len(rows[len(space)]), len(space), logits.shape[1])
        return plain, chance

    def _sizes(self) -> npt.NDArray[np.intp]:
        return np.array([len(self._spaces.get(int(place), ())) for place in self.models.references], dtype=np.intp)


def other_vocabularies(models: Models) -> npt.NDArray[np.bool_]:
    """Pairs of references of which each has a vocabulary of its own: [n_references, n_references]."""
    names = np.array([models.vocabularies[place] or UNKNOWN for place in models.references.tolist()])
    return np.asarray(names[:, None] != names)


def same_vocabulary(models: Models, logits: Sequence[npt.NDArray[np.float32] | None]) -> npt.NDArray[np.bool_]:
    """Pairs of two models with the same tokenizer, and logits on both sides: [n_models, n_references]."""
    names = [one if rows is not None else None for one, rows in zip(models.vocabularies, logits, strict=True)]
    return np.array(
        [
            [row != column and names[row] is not None and names[row] == names[column] for column in models.references]
            for row in range(len(names))
        ]
    )


def _rivals(lineages: npt.NDArray[np.str_], sizes: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """References of other lineages and about one size: [n_references, n_references]."""
    ratio = np.maximum(sizes, 1)[:, None] / np.maximum(sizes, 1)
    return np.asarray((lineages[:, None] != lineages) & (ratio <= _SAME_SIZE) & (ratio >= 1 / _SAME_SIZE))


def _beyond(plain: Matrix, expected: Matrix) -> Matrix:
    """What is explained beyond what is expected, as a share of what could be; -1 at least."""
    scores: Matrix = np.maximum((plain - expected) / np.maximum(1 - expected, 1e-6), -1.0)
    return scores


def rivals_mean(
    models: Models,
    scores: Matrix,
    sizes: npt.NDArray[np.intp] | None = None,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> Matrix:
    """For each pair, the mean score of the candidate with the reference's rivals, NaN where there are none.

    `sizes` [n_references]: rivals are of the same size; `allowed` [n_references, n_references]: who may be whose rival.
    """
    lineage = models.lineages[models.references]
    rival = _rivals(lineage, np.ones(len(lineage), np.intp) if sizes is None else sizes)
    if allowed is not None:
        rival &= allowed
    found = np.full(scores.shape, np.nan)
    for row, own in enumerate(models.lineages):
        usable = ~np.isnan(scores[row]) & (lineage != own)
        counted = (rival & usable).sum(axis=1)
        total = (rival & usable) @ np.nan_to_num(scores[row])
        found[row] = np.where((counted > 0) & ~np.isnan(scores[row]), total / np.maximum(counted, 1), np.nan)
    return found


def controls_mean(models: Models, scores: Matrix) -> Matrix:
    """For each pair, the mean score with the reference of models of other lineages than its own and the candidate's.

    Every lineage weighs the same; NaN where there are none.
    """
    theirs, found = models.lineages[models.references], np.full(scores.shape, np.nan)
    names, number = np.unique(models.lineages, return_inverse=True)
    belongs = (np.arange(len(names))[:, None] == number).astype(np.float64)
    known = belongs @ ~np.isnan(scores)
    means = np.where(known > 0, belongs @ np.nan_to_num(scores) / np.maximum(known, 1), np.nan)  # by lineage
    for row, own in enumerate(models.lineages):
        usable = ~np.isnan(means) & (names[:, None] != own) & (names[:, None] != theirs) & (names[:, None] != UNKNOWN)
        total, n = np.where(usable, means, 0).sum(axis=0), usable.sum(axis=0)
        found[row] = np.where((n > 0) & ~np.isnan(scores[row]), total / np.maximum(n, 1), np.nan)
    return found


def _known(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rows in which every logit is a number."""
    return logits[np.isfinite(logits).all(axis=1)]
