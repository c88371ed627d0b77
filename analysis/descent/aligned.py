"""Logits of the same strings, whatever the vocabularies: what models are compared on where weights are looked for."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
import numpy.typing as npt

from analysis.descent.image import centred
from analysis.descent.rivals import Places
from analysis.signatures.chosen_logits import ChosenLogits, hashed, last_logits, prompt_numbers
from analysis.signatures.unfed import Unfed
from probes.chosen_tokens import COMMON
from probes.recording import Recording

NAMED_A_QUERY = 128
"""Tokens whose logprobs vLLM gives on request (`logprob_token_ids`)."""
NAMED = 256
"""Tokens named after a prompt where a request shows few: the first so many of `COMMON`, two requests.

More of them tell a student from a descendant better, and the same number of requests reaches fewer prompts.
"""
NAMED_QUERIES = NAMED // NAMED_A_QUERY
"""What naming them after a prompt takes."""
_COMMON = hashed(COMMON)
ENOUGH, _FEWEST_TOKENS = 192, 32


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


def common_tokens(held: Sequence[npt.NDArray[np.uint64]], first: int | None = None) -> npt.NDArray[np.uint64]:
    """Hashes of the common tokens that all of these hold; where they hold few of them, of all that they share.

    None at all where they share too few to compare anybody on. `first`: of the common tokens the first so many alone.
    """
    shared = reduce(np.intersect1d, [one[one > 0] for one in held])
    common = np.intersect1d(shared, _COMMON[:first])
    tokens: npt.NDArray[np.uint64] = common if len(common) >= ENOUGH else shared
    return tokens if len(tokens) >= _FEWEST_TOKENS else tokens[:0]


def _only(chosen: ChosenLogits, tokens: npt.NDArray[np.uint64]) -> ChosenLogits:
    """The logits of these tokens alone, in this order; all of them are there."""
    order = np.argsort(chosen.tokens, kind="stable")
    columns = order[np.searchsorted(chosen.tokens[order], tokens)]
    return replace(chosen, logits=chosen.logits[:, columns], tokens=tokens, ids=chosen.ids[columns])


def named_alone(chosen: ChosenLogits) -> ChosenLogits:
    """Those of the tokens that would be named where a request shows few."""
    return _only(chosen, np.intersect1d(chosen.tokens, _COMMON[:NAMED]))


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
    return canaries if named is None else canaries[: len(canaries) // -(-n_tokens // named)]


def rows_shown(logits: npt.NDArray[np.float32] | None, asked: int) -> Places:
    """Places of the prompts after which the candidate gave logits that it had not given before.

    Nobody is scored on more rows than it, and an answer that is repeated is one.
    """
    if logits is None:
        return np.zeros(0, dtype=np.intp)
    known = np.flatnonzero(np.isfinite(logits[:asked]).all(axis=1))
    _, first = np.unique(np.round(centred(logits[known]), 1), axis=0, return_index=True)
    return known[np.sort(first)]


def common_logits(recording: Recording) -> npt.NDArray[np.float32] | None:
    """After each prompt, of the tokens that most vocabularies have: [n_canaries, len(COMMON)], NaN where not known.

    None for a recording that holds none of them.
    """
    chosen = last_logits(recording)
    if isinstance(chosen, Unfed):
        return None
    known = np.flatnonzero(np.isin(_COMMON, chosen.tokens))
    if not len(known):
        return None
    found = np.full((len(recording.suite), len(_COMMON)), np.nan, np.float32)
    digests = [canary.digest for canary in recording.suite.canaries]
    found[:, known] = after_prompts(recording, _only(chosen, _COMMON[known]), digests)
    return found
