"""Logits of the same chosen tokens at many places: what the channels of descent look at.

A recording may hold them at every position of its prompts (`positions.safetensors`), at the last one of each
(`logits.safetensors`), or, reduced, of a few tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.signatures.first_tokens import answered
from analysis.signatures.reduction import scattered_subset, subset_logits
from analysis.signatures.unfed import Unfed
from probes.chosen_tokens import chosen_tokens
from probes.recording import Arrays, Recording
from probes.spelling import hash_of, split_bytes

N_CHOSEN = 2048
_POSITIONS = 1_000_003  # no prompt has as many
LAST = -1
"""Stands for the position after a whole prompt, where the answer begins."""


@dataclass(frozen=True)
class ChosenLogits:
    """`logits` [n_rows, n_tokens], each row up to a constant of its own; what is not finite is no logit.

    `rows` [n_rows, 2]: the prompt's digest and the position in it, -1 for the last. `tokens` [n_tokens] are 64-bit
    hashes of spellings, `ids` [n_tokens] their numbers in the vocabulary that `vocabulary` hashes (0: not known).
    `step`: how coarsely the logits were kept, in nats, where that is coarser than engines compute.
    """

    logits: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.uint64]
    ids: npt.NDArray[np.int64]
    vocabulary: int
    step: float = 0.0

    def names(self) -> Arrays:
        """What the rows and tokens are, as arrays of a channel."""
        named = np.array([self.vocabulary], dtype=np.uint64)
        return {"rows": self.rows, "tokens": self.tokens, "ids": self.ids, "vocabulary": named}

    def after_whole_prompts(self) -> Self:
        """Those rows that end their prompts."""
        last = self.rows[:, 1] == LAST
        return replace(self, logits=self.logits[last], rows=self.rows[last])


def chosen_logits(recording: Recording) -> ChosenLogits | Unfed:
    """Those that a recording holds, at as many places as it holds them, or why it holds none."""
    if recording.positions is not None:
        return _from_positions(recording, recording.positions)
    return last_logits(recording)


def last_logits(recording: Recording) -> ChosenLogits | Unfed:
    """Those after whole prompts, of as many tokens as references have too, or why there are none."""
    if recording.logits is not None:
        return _from_logits(recording, recording.logits)
    if recording.reduced is not None:
        return _from_reduced(recording, recording.reduced)
    if recording.positions is not None:
        every = _from_positions(recording, recording.positions)
        return every if isinstance(every, Unfed) else every.after_whole_prompts()
    return Unfed("the logits of chosen tokens were not recorded (tier logits has them)")


def _from_positions(recording: Recording, arrays: Arrays) -> ChosenLogits | Unfed:
    places, positions = arrays["canary_index"].astype(np.int64), arrays["position"].astype(np.int64)
    last = np.zeros(len(recording.suite), np.int64)
    np.maximum.at(last, places, positions)
    rows = np.stack([prompt_numbers(recording)[places], np.where(positions == last[places], LAST, positions)], axis=1)
    tokens = hashed(split_bytes(arrays["token_bytes"], arrays["token_offsets"]))
    ids = arrays["token_ids"].astype(np.int64)
    return _checked(ChosenLogits(arrays["logits"].astype(np.float32), rows, tokens, ids, _vocabulary(recording)))


def _from_logits(recording: Recording, arrays: Arrays) -> ChosenLogits | Unfed:
    spelled = split_bytes(arrays["token_bytes"], arrays["token_offsets"])
    ids = np.union1d(chosen_tokens(spelled, N_CHOSEN), scattered_subset(len(spelled))).astype(np.int64)
    tokens = hashed([spelled[number] for number in ids.tolist()])
    logits = arrays["logits"][:, ids].astype(np.float32)
    return _checked(
        ChosenLogits(logits, _last_rows(recording, answered(recording)), tokens, ids, _vocabulary(recording))
    )


def _from_reduced(recording: Recording, arrays: Arrays) -> ChosenLogits | Unfed:
    ids, rows = arrays["subset_ids"].astype(np.int64), _last_rows(recording, arrays["canary_index"].astype(np.int64))
    step = float(arrays["subset_step"].max()) if "subset_step" in arrays else 0.0
    tokens = arrays.get("subset_tokens", np.zeros(len(ids))).astype(np.uint64)
    return _checked(ChosenLogits(subset_logits(arrays), rows, tokens, ids, _vocabulary(recording), step))


def _checked(chosen: ChosenLogits) -> ChosenLogits | Unfed:
    if chosen.logits.size == 0 or chosen.logits.shape != (len(chosen.rows), len(chosen.ids)):
        return Unfed("its logits of chosen tokens are incomplete")
    return chosen


def prompt_numbers(recording: Recording) -> npt.NDArray[np.int64]:
    """Prompts as asked, as numbers: [n_canaries]."""
    return np.array([canary.number for canary in recording.suite.canaries], dtype=np.int64)


def _last_rows(recording: Recording, places: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    return np.stack([prompt_numbers(recording)[places], np.full(len(places), LAST)], axis=1)


def vocabulary_of(recording: Recording) -> str | None:
    """The hash of a model's vocabulary, None where it is not known.

    Of an API, that of the tokenizer by which tokens were named, and found to be right.
    """
    manifest = recording.manifest
    known = manifest.tokenizer.get("sha256") or manifest.access.get("positions", {}).get("vocabulary_sha256")
    return str(known) if known else None


def _vocabulary(recording: Recording) -> int:
    known = vocabulary_of(recording)
    return int(known[:16], 16) if known else 0


def hashed(spelled: Sequence[bytes]) -> npt.NDArray[np.uint64]:
    """64-bit hashes of what tokens spell, 0 for nothing: [n_tokens]."""
    return np.array([hash_of(one) if one else 0 for one in spelled], dtype=np.uint64)


Place = npt.NDArray[np.intp]


def same_tokens(*sides: Arrays) -> tuple[Place, ...]:
    """Places of the tokens that all sides have, for each side [n]: by number in one vocabulary, else by spelling."""
    vocabularies = {int(side["vocabulary"][0]) for side in sides}
    key = "ids" if len(vocabularies) == 1 and vocabularies != {0} else "tokens"
    return _same([side[key] for side in sides])


def same_rows(*sides: Arrays) -> tuple[Place, ...]:
    """Places of the rows that all sides have, for each side [n]: of the same prompt at the same position."""
    return _same([side["rows"][:, 0] * _POSITIONS + side["rows"][:, 1] for side in sides])  # digests may wrap


def _same(sides: Sequence[npt.NDArray[Any]]) -> tuple[Place, ...]:
    """For each side the places [n] of the values that all have, each once; zeros (what is not known) apart."""
    common = sides[0]
    for side in sides:
        common = np.intersect1d(common, side)
    common = common[common != np.zeros(1, common.dtype)[0]]
    orders = [np.argsort(side, kind="stable") for side in sides]
    return tuple(
        order[np.searchsorted(side[order], common)].astype(np.intp) for side, order in zip(sides, orders, strict=True)
    )
