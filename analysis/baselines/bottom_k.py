"""Bottom-k overlap: whether two models find the same tokens least likely.

After a prompt, a model's least likely tokens are those that training hardly touched, and their order is left from its
initialisation. That an initialisation leaves a lasting preference among tokens is what SeedPrints rests on (Tong, Wang,
Li, Kawaguchi, Hu: SeedPrints, Fingerprints Can Even Tell Which Seed Your Large Language Model Was Trained From,
arXiv:2509.26404, ICLR 2026), which has a statistic of its own. The overlap of the k least likely tokens, as it is
measured here, is a plain form of the idea; we could not establish where it was published first.

It needs the logits of named tokens, and a vocabulary in common. Of recordings that keep a fixed subset of the
vocabulary, k is a part of that subset. Settings: which part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.baselines.interface import Kin, Scores
from analysis.baselines.outputs import Outputs
from analysis.baselines.thresholds import above_strangers
from analysis.signatures.chosen_logits import Place, same_tokens

_ACCESSES = ("logits", "topk_chosen")
_FEWEST_TOKENS = 16
Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class BottomK:
    """Overlap of the least likely tokens, one in so many (`one_in`): 0 at chance, 1 for the same ones."""

    one_in: int = 8

    name = "bottom_k"
    citation = "in the spirit of Tong et al. 2025, SeedPrints, arXiv:2509.26404; first publication not established"
    accesses = _ACCESSES
    tokenizer_dependent = True
    pairwise = True

    def grid(self) -> tuple[Self, ...]:
        """An eighth first, as the channel `rare_tokens` has it."""
        return tuple(type(self)(number) for number in (8, 32, 16, 4, 2))

    def scores(self, candidates: Sequence[Outputs], references: Sequence[Outputs]) -> Scores:
        """The mean over the prompts that both answered; NaN without tokens in common: [n_candidates, n_references]."""
        scores = np.full((len(candidates), len(references)), np.nan)
        for rows in _vocabularies(candidates):
            for columns in _vocabularies(references):
                one, other = candidates[rows[0]], references[columns[0]]
                places = same_tokens(one.tokens, other.tokens)
                if len(places[0]) >= _FEWEST_TOKENS:
                    sides = ([candidates[row] for row in rows], [references[column] for column in columns])
                    scores[np.ix_(rows, columns)] = self._overlap(*sides, places)
        return scores

    def threshold(self, scores: Scores, same_lineage: Kin) -> float:
        """The score that accuses no stranger among the training pairs, and never less than chance."""
        return max(above_strangers(scores, same_lineage), 0.0)

    def _overlap(
        self, candidates: Sequence[Outputs], references: Sequence[Outputs], places: tuple[Place, ...]
    ) -> Scores:
        """Of models whose tokens are named alike on either side; `places` are the tokens in common."""
        one, other = (
            np.stack([model.logits[:, place] for model in side if model.logits is not None])
            for side, place in zip((candidates, references), places, strict=True)
        )
        shown = _shown(one) & _shown(other)
        if shown.sum() < _FEWEST_TOKENS:
            return np.full((len(candidates), len(references)), np.nan)
        k = max(int(shown.sum()) // self.one_in, 1)
        (lowest_one, present_one), (lowest_other, present_other) = (
            _lowest(side[..., shown], k) for side in (one, other)
        )
        common = np.einsum("ant,bnt->ab", lowest_one, lowest_other, optimize=True)
        prompts = present_one @ present_other.T
        chance = k / shown.sum()
        share = np.where(prompts > 0, common / np.maximum(prompts * k, 1), np.nan)
        return (share - chance) / (1 - chance) if chance < 1 else share


BASELINE = BottomK()


def _vocabularies(models: Sequence[Outputs]) -> list[list[int]]:
    """Places of the models that have logits of the same tokens, for each such set."""
    found: dict[bytes, list[int]] = {}
    for place, model in enumerate(models):
        if model.logits is not None:
            key = b"".join(
                np.ascontiguousarray(model.tokens[name]).tobytes() for name in ("vocabulary", "ids", "tokens")
            )
            found.setdefault(key, []).append(place)
    return list(found.values())


def _shown(logits: Rows) -> npt.NDArray[np.bool_]:
    """Tokens that are finite in every row [n_models, n_canaries, n_tokens] that has any: [n_tokens]."""
    finite = np.isfinite(logits)
    return np.asarray((finite | ~finite.any(axis=2, keepdims=True)).all(axis=(0, 1)))


def _lowest(logits: Rows, k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """1 where a token is among the k least likely of its row, of the shape given; and 1 where a row is there."""
    present = np.asarray(np.isfinite(logits).all(axis=2), np.float32)
    order = np.argpartition(logits, k - 1, axis=2)[..., :k]
    lowest = np.zeros(logits.shape, np.float32)
    np.put_along_axis(lowest, order, 1, axis=2)
    return lowest * present[..., None], present
