"""What a peer sees of one model: its answers to n canaries at one access, as texts, counts and arrays.

At tier `text` the samples are the recorded ones, as many as the access allows; where none were recorded, that many
first tokens are drawn from the recorded distribution. At tiers `topk` and `logits` first tokens are drawn from the
distribution that the access shows, with a seed of the model and the canary: who holds a distribution can sample it as
often as he likes without another query, and what it does not show (outside the top k) is left out.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from analysis.channels.first_word import first_word
from analysis.channels.interface import Arrays
from analysis.descent.aligned import named_alone
from analysis.signatures.chosen_logits import last_logits, prompt_numbers
from analysis.signatures.first_tokens import first_tokens
from analysis.signatures.observation import Access, Observation, observe
from analysis.signatures.unfed import Unfed
from probes.errors import RecordingError
from probes.recording import Recording

FREE_DRAWS = 64
"""First tokens drawn a canary where the distribution is known: twice PhyloLM's population, at no query."""
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Outputs:
    """Per canary, n in all; None, an empty count or NaN where a canary gave nothing.

    `greedy` [n]: the greedy answers. `first_token` [n]: the bytes of their first tokens; at tier `text`, which shows no
    tokens, their first words. `samples` [n]: sampled answers with how often each came, whole `answers` or
    `first_tokens` alone (`sampled`). `first_words` [n]: how often an answer began with a word; the greedy answer counts
    where nothing was sampled. `logits` [n, n_tokens]: those of a fixed subset of tokens, up to a constant a row, which
    `tokens` names; None where the access shows none. `embeddings` [n, n_dimensions]: the greedy answers in a space of
    sentences. `lineage`: what the library files a reference under.
    """

    name: str
    access: Access
    digests: tuple[str, ...]
    greedy: tuple[str | None, ...]
    first_token: tuple[bytes | None, ...]
    samples: tuple[Counts, ...]
    sampled: Literal["answers", "first_tokens", "nothing"]
    first_words: tuple[Counts, ...]
    logits: npt.NDArray[np.float32] | None = None
    tokens: Arrays = field(default_factory=dict)
    embeddings: npt.NDArray[np.float32] | None = None
    lineage: str = ""

    def take(self, places: Sequence[int] | npt.NDArray[np.intp]) -> Self:
        """The same model on some canaries only, in the order given."""
        chosen = [int(place) for place in places]
        return replace(
            self,
            digests=tuple(self.digests[place] for place in chosen),
            greedy=tuple(self.greedy[place] for place in chosen),
            first_token=tuple(self.first_token[place] for place in chosen),
            samples=tuple(self.samples[place] for place in chosen),
            first_words=tuple(self.first_words[place] for place in chosen),
            logits=None if self.logits is None else self.logits[chosen],
            embeddings=None if self.embeddings is None else self.embeddings[chosen],
        )


def outputs_of(recording: Recording, access: Access | None = None, lineage: str = "") -> Outputs:
    """Read a recording at its own access, or at a lower one.

    Raises RecordingError if the recording can't be read at that access.
    """
    seen = observe(recording, access)
    samples, sampled = _sampled(recording, seen)
    greedy = tuple(None if text is None else text.decode() for text in seen.greedy)
    counted = samples if sampled != "nothing" else tuple(Counter([] if one is None else [one]) for one in greedy)
    logits, tokens = _logits(recording, seen.access)
    return Outputs(
        name=recording.manifest.candidate,
        access=seen.access,
        digests=tuple(canary.digest for canary in seen.canaries),
        greedy=greedy,
        first_token=_first_token(seen, greedy),
        samples=samples,
        sampled=sampled,
        first_words=tuple(map(_first_words, counted)),
        logits=logits,
        tokens=tokens,
        lineage=lineage,
    )


def align(models: Sequence[Outputs], digests: Sequence[str]) -> list[Outputs]:
    """The models on exactly these prompts, in this order. Raises RecordingError if one lacks a prompt."""
    aligned = []
    for one in models:
        place = {digest: number for number, digest in enumerate(one.digests)}
        if missing := [digest for digest in digests if digest not in place]:
            raise RecordingError(f"the recording of {one.name} lacks {len(missing)} of the {len(digests)} prompts")
        aligned.append(one.take([place[digest] for digest in digests]))
    return aligned


def _first_token(seen: Observation, greedy: Sequence[str | None]) -> tuple[bytes | None, ...]:
    if seen.token_ids is None:
        return tuple(None if text is None else first_word(text).encode() for text in greedy)
    return tuple(seen.spelled.get(number) for number in seen.token_ids[:, 0].tolist())


def _first_words(samples: Counts) -> Counts:
    words: Counter[str] = Counter()
    for text, times in samples.items():
        words[first_word(text)] += times
    return words


def _sampled(
    recording: Recording, seen: Observation
) -> tuple[tuple[Counts, ...], Literal["answers", "first_tokens", "nothing"]]:
    """The sampled answers with their counts, and of which kind they are."""
    text = seen.access.tier == "text"
    draws = seen.access.draws if text else FREE_DRAWS
    known = recording.draw_texts if text else {}
    if known:
        asked = zip(recording.suite.canaries, seen.texts, strict=True)
        return tuple(Counter(texts[:draws] if one.id in known else ()) for one, texts in asked), "answers"
    drawn: list[Counts] = [Counter() for _ in recording.suite.canaries]
    first = first_tokens(recording) if text and draws else None
    if first is not None:
        rows = zip(first.canary_index.tolist(), first.ids, first.logprobs, strict=True)
        spelled = first.spelled
    elif seen.token_ids is not None and seen.logprobs is not None:
        rows = zip(range(len(drawn)), seen.token_ids, seen.logprobs, strict=True)
        spelled = seen.spelled
    else:
        return tuple(drawn), "nothing"
    for place, ids, logprobs in rows:
        name = f"{recording.manifest.candidate}/{recording.suite.canaries[place].digest}"
        drawn[place] = _drawn(name, ids, logprobs, spelled, draws)
    return tuple(drawn), "first_tokens"


def _drawn(
    name: str, ids: npt.NDArray[np.int64], logprobs: npt.NDArray[np.float64], spelled: Mapping[int, bytes], draws: int
) -> Counts:
    """First tokens drawn from ids and logprobs [k], what is not shown left out; bytes that are no text stay apart."""
    mass = np.where(ids >= 0, np.exp(logprobs), 0.0)
    if not mass.any():
        return Counter()
    seed = int.from_bytes(hashlib.sha256(f"peers/{name}".encode()).digest()[:8], "big")
    times = np.random.default_rng(seed).multinomial(draws, mass / mass.sum())
    counts: Counter[str] = Counter()
    for number, count in zip(ids[times > 0].tolist(), times[times > 0].tolist(), strict=True):
        counts[spelled[number].decode(errors="backslashreplace")] += count
    return counts


def _logits(recording: Recording, access: Access) -> tuple[npt.NDArray[np.float32] | None, Arrays]:
    """Logits after each canary [n, n_tokens], NaN where there are none, and the names of the tokens."""
    chosen = last_logits(recording) if access.shows_logits else None
    if chosen is None or isinstance(chosen, Unfed):
        return None, {}
    chosen = chosen if access.tier == "logits" else named_alone(chosen)
    places = {number: place for place, number in enumerate(prompt_numbers(recording).tolist())}
    logits = np.full((len(recording.suite), len(chosen.ids)), np.nan, np.float32)
    logits[[places[number] for number in chosen.rows[:, 0].tolist()]] = chosen.logits
    names = chosen.names()
    return logits, {key: names[key] for key in ("tokens", "ids", "vocabulary")}
