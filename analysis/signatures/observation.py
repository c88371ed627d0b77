"""A recording as one access would have seen it: the common input of all channels.

A recording with full logits can be looked at as if only the top k logprobs, or only sampled text, had been given.
References are compared, and the kinship classifier is fitted, at the access that the candidate really had.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.signatures.answer_text import visible
from analysis.signatures.byte_bins import N_BINS, bin_of, bins_of
from analysis.signatures.first_tokens import FirstTokens, first_tokens
from probes.canary import Canary
from probes.errors import RecordingError
from probes.manifest import TIERS, Tier
from probes.recording import Recording


@dataclass(frozen=True)
class Access:
    """What could be seen: the tier, how many logprobs (`topk`), how many sampled answers a canary (`text`).

    `continued`: plain text was asked through chat, with an instruction to continue it. `named`: of some prompts the
    logprobs of named tokens too (`topk`).
    """

    tier: Tier
    top_k: int = 0
    draws: int = 0
    continued: bool = False
    named: bool = False

    @property
    def name(self) -> str:
        """The tier, `topk_chosen` where tokens are named: as rows of the benchmark have it."""
        return f"{self.tier}_chosen" if self.named else self.tier

    @property
    def shows_logits(self) -> bool:
        """Whether it gives the logits of the tokens that most vocabularies have."""
        return self.tier == "logits" or self.named


@dataclass(frozen=True)
class Observation:
    """Per canary of the suite, n in all; NaN, -1 or None where a canary gave nothing.

    `bins` [n, N_BINS]: probability seen in each byte bin; `missing` [n]: probability not seen (outside the top k);
    `n_draws` [n]: sampled answers behind `bins`, 0 where it is the distribution itself. `token_ids`, `logprobs`
    [n, k]: the likeliest tokens, `spelled` their bytes. `greedy` : bytes of the greedy answer. `prompt_tokens` [n].
    `continued` [n]: plain text that was asked through chat, whose answers don't show whether they begin with a space;
    None where there is none.
    `texts` [n]: what was answered in words: the sampled answers of tier text, else the greedy one.
    """

    canaries: tuple[Canary, ...]
    access: Access
    bins: npt.NDArray[np.float32]
    missing: npt.NDArray[np.float32]
    n_draws: npt.NDArray[np.int64]
    token_ids: npt.NDArray[np.int64] | None
    logprobs: npt.NDArray[np.float64] | None
    spelled: dict[int, bytes]
    greedy: tuple[bytes | None, ...]
    prompt_tokens: npt.NDArray[np.float64]
    continued: npt.NDArray[np.bool_] | None = None
    texts: tuple[tuple[str, ...], ...] = ()


def access_of(recording: Recording) -> Access:
    """The access that a recording was made with."""
    tier = recording.manifest.tier
    top_k = (
        max((len(a.topk_logprobs or ()) for a in recording.with_logprobs.values()), default=0) if tier == "topk" else 0
    )
    draws = max((len(texts) for texts in recording.draw_texts.values()), default=0) if tier == "text" else 0
    asked = recording.manifest.access
    named = tier == "topk" and asked.get("positions", {}).get("kept") in ("chosen", "every")
    return Access(tier, top_k, draws, bool(asked.get("continuation")), named)


def observe(recording: Recording, access: Access | None = None) -> Observation:
    """Look at a recording with its own access, or with a lower one.

    Raises RecordingError if a higher access is asked for than the recording was made with.
    """
    own = access_of(recording)
    access = access or own
    if TIERS.index(access.tier) < TIERS.index(own.tier):
        raise RecordingError(f"{recording.folder} was recorded at tier {own.tier}; it can't be read at {access.tier}")
    first = first_tokens(recording)
    n = len(recording.suite)
    bins, missing = np.full((n, N_BINS), np.nan, np.float32), np.full(n, np.nan, np.float32)
    n_draws, ids, logprobs = np.zeros(n, np.int64), None, None
    if access.tier == "text":
        access = replace(access, top_k=0)
        _fill_draws(recording, first, access.draws, bins, missing, n_draws)
    elif first is not None:
        k = access.top_k if access.tier == "topk" else first.ids.shape[1]
        k = min(k, first.ids.shape[1])
        access = replace(access, top_k=k) if access.tier == "topk" else access
        ids, logprobs = np.full((n, k), -1, np.int64), np.full((n, k), -np.inf)
        ids[first.canary_index], logprobs[first.canary_index] = first.ids[:, :k], first.logprobs[:, :k]
        whole = first.bins if access.tier == "logits" else None
        seen = _bins_of_top(first, k) if whole is None else whole
        bins[first.canary_index] = seen
        missing[first.canary_index] = np.clip(1 - seen.sum(axis=1), 0, 1) if whole is None else 0
    answers = [recording.greedy.get(canary.id) for canary in recording.suite.canaries]
    texts = [None if a is None or a.text is None else _read(recording, a.canary_id, a.text) for a in answers]
    plain = np.array([canary.messages is None for canary in recording.suite.canaries])
    return Observation(
        canaries=recording.suite.canaries,
        access=access,
        bins=bins,
        missing=missing,
        n_draws=n_draws,
        token_ids=ids,
        logprobs=logprobs,
        spelled=first.spelled if first is not None and ids is not None else {},
        greedy=tuple(None if text is None else text.encode() for text in texts),
        prompt_tokens=np.array([np.nan if a is None or a.prompt_tokens is None else a.prompt_tokens for a in answers]),
        continued=plain if access.continued or own.continued else None,
        texts=tuple(
            _words(recording, canary.id, text, access.draws)
            for canary, text in zip(recording.suite.canaries, texts, strict=True)
        ),
    )


def _words(recording: Recording, canary_id: str, greedy: str | None, draws: int) -> tuple[str, ...]:
    """The sampled answers to a canary, at most so many, and the greedy one where there are none or none are asked."""
    alone = () if greedy is None else (greedy,)
    if draws == 0 and alone:
        return alone
    given = recording.draw_texts.get(canary_id, [])
    sampled = (_read(recording, canary_id, text) for text in (given[:draws] if draws else given))
    return tuple(text for text in sampled if text is not None) or alone


def _read(recording: Recording, canary_id: str, text: str) -> str | None:
    """What of an answer's text is the answer."""
    canary = recording.suite.by_id[canary_id]
    continued = canary.text is not None and bool(recording.manifest.access.get("continuation"))
    return visible(text, canary.text, continued)


def _bins_of_top(first: FirstTokens, k: int) -> npt.NDArray[np.float32]:
    """Sum the k likeliest tokens into byte bins: [n, N_BINS]."""
    seen = np.zeros((len(first.ids), N_BINS), np.float32)
    used, inverse = np.unique(first.ids[:, :k], return_inverse=True)
    token_bins = bins_of(first.spelled.get(number, b"") for number in used.tolist())
    rows = np.repeat(np.arange(len(first.ids)), k)
    np.add.at(seen, (rows, token_bins[inverse.ravel()]), np.exp(first.logprobs[:, :k]).ravel())
    return seen


def _fill_draws(
    recording: Recording,
    first: FirstTokens | None,
    draws: int,
    bins: npt.NDArray[np.float32],
    missing: npt.NDArray[np.float32],
    n_draws: npt.NDArray[np.int64],
) -> None:
    """Put the observed (or, from a distribution, the simulated) frequencies of sampled answers into `bins`."""
    if draws == 0:
        return
    if first is not None and first.bins is not None and not recording.draw_texts:
        for place, probabilities in zip(first.canary_index, first.bins, strict=True):
            seed = hashlib.sha256(f"{recording.manifest.candidate}/{recording.suite.canaries[place].digest}".encode())
            generator = np.random.default_rng(int.from_bytes(seed.digest()[:8], "big"))
            exact = probabilities.astype(np.float64)
            bins[place] = generator.multinomial(draws, exact / exact.sum()) / draws
            n_draws[place] = draws
    else:
        for place, canary in enumerate(recording.suite.canaries):
            read = (_read(recording, canary.id, text) for text in recording.draw_texts.get(canary.id, [])[:draws])
            if texts := [text for text in read if text is not None]:
                counts = np.bincount([bin_of(text.encode()) for text in texts], minlength=N_BINS)
                bins[place], n_draws[place] = counts / len(texts), len(texts)
    missing[n_draws > 0] = 0
