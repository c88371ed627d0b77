"""Tokenizer fit: which known tokenizers cut the prompts as the candidate's does, whether or not they are referenced."""

from collections.abc import Sequence

import numpy as np

from analysis.channels.interface import Arrays, Numbers, Unfed
from analysis.signatures.whole import Whole
from analysis.tokenizers.fit import FEWEST_PROMPTS, fit_tokenizers, known_tokenizers


class TokenizerFit:
    """Share of the prompts that known tokenizers cut into as many tokens, up to a constant."""

    name = "tokenizer_fit"
    rung = "tokenizer"
    tokenizer_dependent = True

    def extract(self, whole: Whole) -> Arrays | Unfed:
        """`agreement` [n_known_tokenizers] in the order of `known_tokenizers`, `fits` [n_known_tokenizers]."""
        seen = whole.observation
        if np.isnan(seen.prompt_tokens).all():
            return Unfed("nobody counted the tokens of the prompts")
        counts = zip(seen.canaries, seen.prompt_tokens.tolist(), strict=True)
        fit = fit_tokenizers({canary.digest: count for canary, count in counts if canary.text is not None})
        if fit is None:
            return Unfed(
                f"fewer than {FEWEST_PROMPTS} of its prompts are among those that known tokenizers were tried on"
            )
        agreement = np.array([fit.agreement[name] for name in known_tokenizers()])
        return {"agreement": agreement, "fits": np.array([name in fit.fits for name in known_tokenizers()])}

    def describe(self, candidate: Arrays) -> Numbers:
        """The share of prompts for every tokenizer that fits; where none does, for the one that comes closest."""
        agreement = candidate["agreement"]
        shown = candidate["fits"] if candidate["fits"].any() else agreement == agreement.max()
        names = zip(known_tokenizers(), agreement.tolist(), shown.tolist(), strict=True)
        return {f"cuts like {name}": share for name, share, fits in names if fits}

    def compare(self, candidate: Arrays, reference: Arrays, population: Sequence[Arrays]) -> Numbers:
        """Nothing: the channel `tokenizer` compares with references."""
        return {}


CHANNEL = TokenizerFit()
