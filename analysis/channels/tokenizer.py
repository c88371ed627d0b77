"""Tokenizer: whether the candidate cuts the prompts into as many tokens as the reference does."""

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Unfed
from analysis.observation import Observation


class Tokenizer:
    """Equality of prompt token counts, up to a constant (a begin-of-text token, a system prompt)."""

    name = "tokenizer"
    tokenizer_dependent = True

    def extract(self, observation: Observation) -> Arrays | Unfed:
        """`prompt_tokens` [n] and `chat` [n] (chat templates add a constant of their own)."""
        if np.isnan(observation.prompt_tokens).all():
            return Unfed("nobody counted the tokens of the prompts")
        chat = np.array([canary.messages is not None for canary in observation.canaries])
        return {"prompt_tokens": observation.prompt_tokens, "chat": chat}

    def similarity(self, candidate: Arrays, reference: Arrays) -> npt.NDArray[np.float64]:
        """1 where the counts differ by the usual constant, else 0; chats are left out (NaN): [n_canaries]."""
        difference = candidate["prompt_tokens"] - reference["prompt_tokens"]
        difference = np.where(candidate["chat"], np.nan, difference)
        known = difference[~np.isnan(difference)]
        if known.size == 0:
            return difference
        values, counts = np.unique(known, return_counts=True)
        usual = values[np.argmax(counts)]
        return np.where(np.isnan(difference), np.nan, (difference == usual).astype(np.float64))


CHANNEL = Tokenizer()
