"""Candidates that don't behave as one model answering for itself, each with a name: docs/hostile.md.

`constant`, `echo` and `random` tell nothing, so there is no verdict. `mixture` and `cached` are warnings beside one.
The candidate that answers known canaries otherwise shows only on fresh ones (`analysis.attribution.agreement`).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import poisson_binom

from analysis.attribution.mixture import Mixture
from analysis.channels import all_channels
from analysis.signatures.signature import Signature

_SAME = 0.99  # similarity of two answers from which on they are one, but for what rounding changes
_SEE_LENGTHS = ("tokenizer", "wording")  # these differ also where the answer is the same, cut at other lengths
_MOST_ECHOES = 0.9  # of the answers; a base model that is asked in chat repeats up to half of its prompts
_FEWEST = 8  # canaries, for anything to be said of them
_REPEATED = 0.9  # of the canaries with several draws
_BY_CHANCE = 1e-6
_LEAST_SHOWN = 0.03  # of the probability, by 32 tokens at most; of the shipped references, one token shows 0.19
_PROMPTS, _DRAWS = 16, 3  # needed to see whether answers depend on the prompt, by a permutation test
_SHUFFLES, _DEPENDS = 499, 0.01
_ALONE = "token_space"  # the channel that has the distribution of the first token, chats included


def silent_conduct(candidate: Signature, channels: Sequence[str]) -> dict[str, str]:
    """`constant`, `echo` or `random` and what of it, if the answers tell nothing; `channels` see if any two differ."""
    answers = [name for name in channels if name in candidate.channels and name not in _SEE_LENGTHS]
    if not any(_informative(candidate, name) for name in answers):
        return {"constant": "it gives the same answer to every canary"}
    echoes = candidate.conduct.get("echoes", np.array([]))
    known = echoes[~np.isnan(echoes)]
    if len(known) >= _FEWEST and known.mean() >= _MOST_ECHOES:
        return {"echo": f"it repeats the prompt instead of answering it ({int(known.sum())} of {len(known)} answers)"}
    if random := _random(candidate):
        return {"random": random}
    return {}


def suspect_conduct(candidate: Signature, references: Sequence[Signature], mixture: Mixture) -> dict[str, str]:
    """`mixture` and `cached` and what of them, where the answers show it."""
    found = {}
    if mixture.noticed:
        shares = " and ".join(f"{share:.0%} like {family}" for family, share in _largest_first(mixture.shares))
        found["mixture"] = (
            f"the answers split between families ({shares}), as if requests went to several models; a verdict can "
            "name one of them only"
        )
    if cached := _cached(candidate, references):
        found["cached"] = cached
    return found


def noise_floor(candidate: Signature) -> float | None:
    """The mean distance, in bits, of a candidate's answers to themselves; None where nothing was repeated."""
    distances = candidate.conduct.get("own_distance", np.array([]))
    known = distances[~np.isnan(distances)]
    return round(float(known.mean()), 4) if known.size else None


def _random(candidate: Signature) -> str:
    """Whether tokens are drawn without regard to the prompt, or nearly evenly from a vocabulary; empty if not."""
    if _ALONE in candidate.channels:
        shown = (candidate.channels[_ALONE]["root"].astype(np.float64) ** 2).sum(axis=1)
        if (shown > 0).any() and (share := float(shown[shown > 0].mean())) < _LEAST_SHOWN:
            return (
                f"the likeliest tokens that it shows hold {share:.1%} of the probability: it answers nearly at random"
            )
    begins = candidate.conduct.get("begins", np.empty((0, 0)))
    whole = begins[(begins >= 0).sum(axis=1) >= _DRAWS][:, :_DRAWS]
    if len(whole) < _PROMPTS:
        return ""
    rng = np.random.default_rng(0)
    shuffled = [_alike(rng.permutation(whole.ravel()).reshape(whole.shape)) for _ in range(_SHUFFLES)]
    p_value = (1 + sum(count >= _alike(whole) for count in shuffled)) / (1 + _SHUFFLES)
    return "" if p_value <= _DEPENDS else "how its sampled answers begin does not depend on the prompt"


def _alike(begins: npt.NDArray[np.int_]) -> int:
    """Pairs of draws at one prompt that begin alike, from bins [n_canaries, n_draws]."""
    return int((begins[:, :, None] == begins[:, None, :]).sum())


def _largest_first(shares: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(shares.items(), key=lambda item: -item[1])


def _cached(candidate: Signature, references: Sequence[Signature]) -> str:
    """Whether draws repeat each other where they should not; empty if not.

    Held against the candidate's own distribution of the first token where the access showed it, else against that of
    whichever reference is surest of its answer: draws that begin alike by chance are at most so many.
    """
    n_draws = candidate.conduct.get("n_draws", np.array([]))
    several = n_draws >= 2
    if several.sum() < _FEWEST:
        return ""
    own = _begin_alike(candidate, n_draws)
    theirs = [_begin_alike(reference, n_draws) for reference in references]
    chance = np.where(np.isnan(own), np.fmax.reduce([own, *theirs]), own)
    rows = several & ~np.isnan(chance)
    same = int((candidate.conduct["distinct"][rows] == 1).sum())
    count = int(rows.sum())
    if count < _FEWEST or same < _REPEATED * count or poisson_binom.sf(same - 1, chance[rows]) > _BY_CHANCE:
        return ""
    return (
        f"repeated draws are identical on {same} of {count} canaries, and chance explains {chance[rows].sum():.0f}: it "
        "answers from a cache, or leaves the temperature out of account"
    )


def _begin_alike(signature: Signature, n_draws: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
    """The chance, at most, that all `n_draws` [n_canaries] draws begin alike: [n_canaries], NaN unknown."""
    arrays = signature.channels.get(_ALONE)
    if arrays is None:
        return np.full(len(n_draws), np.nan)
    mass = arrays["root"].astype(np.float64) ** 2
    rest = np.clip(1 - mass.sum(axis=1), 0, 1)
    alike = (mass ** n_draws[:, None]).sum(axis=1) + rest**n_draws
    return np.where(mass.sum(axis=1) > 0, np.clip(alike, 0, 1), np.nan)


def _informative(candidate: Signature, channel: str) -> bool:
    """Whether a candidate's answers to any two canaries differ, as the channel itself sees it."""
    arrays = candidate.channels[channel]
    measure, places = all_channels()[channel].similarity, np.flatnonzero(candidate.answered)
    one = {key: value[places] for key, value in arrays.items()}
    for shift in range(1, len(places) // 2 + 1):
        other = {key: np.roll(value, shift, axis=0) for key, value in one.items()}
        if (measure(one, other) < _SAME).any():  # NaN, where nothing is known, is not below
            return True
    return False
