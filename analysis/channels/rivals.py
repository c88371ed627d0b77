"""Residual against rivals: a candidate's likeliest tokens, tried on a reference with its rival beside it.

References can be looked up at whatever tokens the candidate shows. What a third, unrelated model says of them is taken
out of all three; the candidate's rest should then follow its parent's more than a rival's. Pooled over candidates
these numbers separate badly: each candidate is its own yardstick, so the rival stands in the comparison itself.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Numbers, Unfed
from analysis.signatures.chosen_logits import hashed, same_rows
from analysis.signatures.whole import Whole

TOP = 20
"""Tokens of the candidate's that are looked up: what most APIs give."""
_FEWEST_TOKENS, _FEWEST_ROWS = 5, 8
Matrix = npt.NDArray[np.float64]


class Rivals:
    """How much more the candidate's likeliest tokens follow this reference than any rival, as a z-score."""

    name = "rivals"
    rung = "descent"
    tokenizer_dependent = True

    def extract(self, whole: Whole) -> Arrays | Unfed:
        """`tokens` [n, k] hashes of spellings (0: none), `logprobs` [n, k] from the likeliest down, `rows` [n, 2]."""
        seen = whole.observation
        if seen.token_ids is None or seen.logprobs is None:
            return Unfed("no logprobs of the first token were given")
        used, inverse = np.unique(seen.token_ids, return_inverse=True)
        tokens = hashed([seen.spelled.get(number, b"") for number in used.tolist()])[inverse]
        rows = np.array([[canary.number, 0] for canary in seen.canaries], dtype=np.int64)
        return {"tokens": tokens.reshape(seen.token_ids.shape), "logprobs": seen.logprobs, "rows": rows}

    def describe(self, candidate: Arrays) -> Numbers:
        """Nothing: it takes a reference and a rival."""
        return {}

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """`z`: for the reference against the rival in the population that comes closest, the others of the population
        taken out of both; `prompts` behind it. {} where the population has fewer than two, or too few tokens are known.
        """
        found = []
        for place, rival in enumerate(population):
            others = [other for number, other in enumerate(population) if number != place]
            differences = _differences(candidate, reference, rival, others)
            if len(differences) >= _FEWEST_ROWS:
                error = differences.std(ddof=1) / np.sqrt(len(differences))
                found.append((float(differences.mean() / error) if error > 0 else 0.0, len(differences)))
        if not found:
            return {}
        z, prompts = min(found)
        return {"z": z, "prompts": float(prompts)}


CHANNEL = Rivals()


def _differences(candidate: Arrays, parent: Arrays, rival: Arrays, others: Sequence[Arrays]) -> Matrix:
    """Correlation with the parent less that with the rival, by prompt: [n], those with too few tokens left out."""
    if not others:
        return np.zeros(0)
    everybody = (candidate, parent, rival, *others)
    rows = same_rows(*everybody)
    names = candidate["tokens"][rows[0], :TOP]
    looked_up = np.stack([_at(side, places, names) for side, places in zip(everybody, rows, strict=True)])
    found = []
    for sides in looked_up.transpose(1, 0, 2):  # [n_sides, TOP], a prompt at a time
        known = np.isfinite(sides).all(axis=0)
        if known.sum() >= _FEWEST_TOKENS:
            c, p, q, *rest = sides[:, known] - sides[:, known].mean(axis=1, keepdims=True)
            stranger = np.mean(rest, axis=0)
            found.append(_correlation(c - stranger, p - stranger) - _correlation(c - stranger, q - stranger))
    return np.array(found)


def _at(side: Arrays, rows: npt.NDArray[np.intp], names: npt.NDArray[np.uint64]) -> Matrix:
    """A model's logprobs of named tokens [n, TOP]; NaN where it did not show them."""
    tokens, logprobs = side["tokens"][rows], side["logprobs"][rows]
    found = np.full(names.shape, np.nan)
    for column in range(names.shape[1]):
        match = (tokens == names[:, column, None]) & (names[:, column, None] > 0)
        place = match.argmax(axis=1)
        value = np.take_along_axis(logprobs, place[:, None], axis=1)[:, 0]
        found[:, column] = np.where(match.any(axis=1) & np.isfinite(value), value, np.nan)
    return found


def _correlation(one: Matrix, other: Matrix) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else 0.0
