"""How a candidate behaves as an endpoint, canary by canary: does it repeat the prompt, or itself?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import jensenshannon

from analysis.signatures.byte_bins import bin_of
from probes.canary import Canary
from probes.recording import Recording

Conduct = dict[str, npt.NDArray[Any]]
_PROMPT, _INSIDE = 6, 20
"""Characters from which on the beginning of a prompt, or a piece of its middle, is no chance in an answer."""


def conduct_of(recording: Recording) -> Conduct:
    """Arrays [n_canaries] of what the texts show, whatever the tier.

    `echoes`: 1 where the answer repeats the prompt, else 0, NaN where either is too short to tell. `n_draws`: sampled
    answers of use (none count at temperature 0). `distinct`: how many different texts they are. `own_distance`:
    Jensen-Shannon divergence, in bits, of the first characters of the draws with even and with odd numbers (the last of
    an uneven number is left out), NaN below two draws. `begins` [n_canaries, most draws]: the byte bin that each draw
    begins with, -1 past the last.
    """
    sampled: dict[str, list[str]] = {} if recording.manifest.sampling.get("temperature") == 0 else recording.draw_texts
    draws = [sampled.get(canary.id, []) for canary in recording.suite.canaries]
    return {
        "echoes": np.array([_echo(recording, canary) for canary in recording.suite.canaries]),
        "n_draws": np.array([len(texts) for texts in draws]),
        "distinct": np.array([len(set(texts)) for texts in draws]),
        "own_distance": np.array([_own_distance(texts) for texts in draws]),
        "begins": _begins(draws),
    }


def _begins(draws: Sequence[Sequence[str]]) -> npt.NDArray[np.int_]:
    begins = np.full((len(draws), max(map(len, draws), default=0)), -1)
    for row, texts in enumerate(draws):
        begins[row, : len(texts)] = [bin_of(text.encode()) for text in texts]
    return begins


def _echo(recording: Recording, canary: Canary) -> float:
    greedy = recording.greedy.get(canary.id)
    drawn = recording.draw_texts.get(canary.id, [])
    text = greedy.text if greedy is not None else drawn[0] if drawn else None
    prompt = canary.text if canary.text is not None else (canary.messages or ())[-1].content
    return repeats(text or "", prompt)


def repeats(answer: str, prompt: str) -> float:
    """1.0 if an answer, which may be cut short, repeats the prompt or a long piece of it; NaN if too short to tell.

    >>> repeats("The lighthouse kee", "The lighthouse keeper had"), repeats(" spoken", "The lighthouse keeper had")
    (1.0, 0.0)
    """
    said, asked = (" ".join(text.strip(" \n\t\"'“”").casefold().split()) for text in (answer, prompt))
    if min(len(said), len(asked)) < _PROMPT:
        return float("nan")
    return float(asked.startswith(said) or asked in said or (len(said) >= _INSIDE and said in asked))


def _own_distance(texts: Sequence[str]) -> float:
    pairs = len(texts) // 2
    if pairs == 0:
        return float("nan")
    bins = [bin_of(text.encode()) for text in texts[: 2 * pairs]]
    seen = sorted(set(bins))
    halves = [[bins[half::2].count(one) for one in seen] for half in (0, 1)]
    return float(jensenshannon(*halves, base=2)) ** 2
