"""Families of a library whose tokenizer a candidate has, as far as prompt token counts tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.channels import all_channels
from analysis.libraries.library import Member
from analysis.signatures.signature import Signature

_CUT_ALIKE = 0.99
"""The share of prompts cut into as many tokens from which on two tokenizers are taken for one."""


def shared_tokenizers(
    candidate: Signature, references: Sequence[Signature], members: Sequence[Member]
) -> dict[str, list[str]]:
    """Families by their tokenizers; {} where the counts are unknown.

    `fits`: whose tokenizer cuts the prompts as the candidate's does; `collisions`: all of these where they are several,
    so that a fit tells nothing of which of them it is.
    """
    cut_alike = fits(candidate, references)
    if cut_alike is None:
        return {}
    found = sorted({member.family for member, fit in zip(members, cut_alike.tolist(), strict=True) if fit})
    return {"fits": found, "collisions": found if len(found) > 1 else []}


def fits(candidate: Signature, references: Sequence[Signature]) -> npt.NDArray[np.bool_] | None:
    """Which references cut the prompts as the candidate does [n_references]; None where its counts are unknown."""
    alike = _cut_alike(candidate, references)
    return None if alike is None else alike >= _CUT_ALIKE


@dataclass(frozen=True)
class TokenizerMatch:
    """Of references, each [n_references]: those with the `same` tokenizer as a candidate, those of which that is
    `unclear`; all others have another one."""

    same: npt.NDArray[np.bool_]
    unclear: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls, candidate: Signature, references: Sequence[Signature], vocabularies: Sequence[str | None]
    ) -> "TokenizerMatch | None":
        """By the hashes of vocabularies (the references' are `vocabularies`), by token counts where one is not known.

        A token that was added changes the hash: where hashes differ and prompts are cut alike it is unclear, as where
        nothing is known of a reference. None where nothing is known of the candidate.
        """
        alike = _cut_alike(candidate, references)
        if alike is None and candidate.vocabulary is None:
            return None
        alike = np.full(len(references), np.nan) if alike is None else alike
        hashed = np.array([one is not None and candidate.vocabulary is not None for one in vocabularies], dtype=bool)
        equal = hashed & np.array([one == candidate.vocabulary for one in vocabularies], dtype=bool)
        same = equal | (~hashed & (alike >= _CUT_ALIKE))
        return cls(same, ~same & ~(alike < _CUT_ALIKE))


def _cut_alike(candidate: Signature, references: Sequence[Signature]) -> npt.NDArray[np.float64] | None:
    """The share of prompts that references cut into as many tokens [n_references], NaN where it is not known; None
    where the candidate's counts are not."""
    channel = all_channels()["tokenizer"]
    if channel.name not in candidate.channels:
        return None
    found = np.full(len(references), np.nan)
    for place, reference in enumerate(references):
        if channel.name in reference.channels:
            similarity = channel.similarity(candidate.channels[channel.name], reference.channels[channel.name])
            known = similarity[~np.isnan(similarity)]
            found[place] = known.mean() if known.size else np.nan
    return found
