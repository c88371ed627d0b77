"""Tokenizer: whether the candidate cuts the prompts into as many tokens as the reference does."""

import numpy as np
import numpy.typing as npt

from analysis.channels.interface import Arrays, Unfed
from analysis.signatures.observation import Observation


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
        return usual(difference)


def usual(differences: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 where a difference [..., n] is the one that most of a row have (of several the least), 0 else, NaN for NaN."""
    ordered = np.sort(differences, axis=-1)  # NaN last
    n = ordered.shape[-1]
    begins = np.ones(ordered.shape, dtype=bool)
    begins[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    start = np.maximum.accumulate(np.where(begins, np.arange(n), 0), axis=-1)
    length = np.where(np.isnan(ordered), 0, np.arange(n) - start + 1)
    longest = np.take_along_axis(ordered, length.argmax(axis=-1)[..., None], axis=-1)
    found: npt.NDArray[np.float64] = np.where(
        np.isnan(differences), np.nan, (differences == longest).astype(np.float64)
    )
    return found


CHANNEL = Tokenizer()
