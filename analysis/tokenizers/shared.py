"""Families of a library whose tokenizer a candidate has, as far as prompt token counts tell."""

from collections.abc import Sequence

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
    channel = all_channels()["tokenizer"]
    if channel.name not in candidate.channels:
        return None
    found = np.zeros(len(references), dtype=bool)
    for place, reference in enumerate(references):
        if channel.name in reference.channels:
            similarity = channel.similarity(candidate.channels[channel.name], reference.channels[channel.name])
            known = similarity[~np.isnan(similarity)]
            found[place] = known.size > 0 and known.mean() >= _CUT_ALIKE
    return found


def same_tokenizer(
    candidate: Signature, references: Sequence[Signature], vocabularies: Sequence[str | None]
) -> npt.NDArray[np.bool_] | None:
    """Which references have the candidate's tokenizer, by its hash, or by token counts where that is not known.

    [n_references]; None where neither is known. `vocabularies`: the references' hashes.
    """
    if candidate.vocabulary is None:
        return fits(candidate, references)
    return np.array([one == candidate.vocabulary for one in vocabularies], dtype=bool)
