"""Families of a library whose tokenizer a candidate has, as far as prompt token counts tell."""

from collections.abc import Sequence

import numpy as np

from analysis.channels import all_channels
from analysis.libraries.library import Member
from analysis.signatures.signature import Signature


def shared_tokenizers(
    candidate: Signature, references: Sequence[Signature], members: Sequence[Member]
) -> dict[str, list[str]]:
    """Families by their tokenizers; {} where the counts are unknown.

    `fits`: whose tokenizer cuts the prompts as the candidate's does; `collisions`: all of these where they are several,
    so that a fit tells nothing of which of them it is.
    """
    channel = all_channels()["tokenizer"]
    if channel.name not in candidate.channels:
        return {}
    fits = set()
    for reference, member in zip(references, members, strict=True):
        if channel.name in reference.channels:
            similarity = channel.similarity(candidate.channels[channel.name], reference.channels[channel.name])
            known = similarity[~np.isnan(similarity)]
            if known.size and known.mean() >= 0.99:
                fits.add(member.family)
    return {"fits": sorted(fits), "collisions": sorted(fits) if len(fits) > 1 else []}
