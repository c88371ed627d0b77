"""Recordings of made models on disk, reduced as those of a large library are: what `evaluate` and `add` read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.libraries.library import Library
from probes.answer import Answer
from probes.canary import Canary
from probes.recording import REDUCED, Recording, folder_name, save_recording
from probes.spelling import join_bytes, split_bytes
from probes.suite import Suite
from runners.bench.made_models import Made, perturbed

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Recorder:
    """Writes recordings of made models, whose canaries are those of real recordings, again and again."""

    library: Library
    n_canaries: int

    @cached_property
    def _real(self) -> list[Recording]:
        return [self.library.recording(member) for member in self.library.members]

    @cached_property
    def _arrays(self) -> list[Arrays]:
        return [dict(one.reduced or {}) for one in self._real]

    @cached_property
    def asked(self) -> npt.NDArray[np.intp]:
        """The real canary that each made one is: [n_canaries]."""
        return np.arange(self.n_canaries) % len(self._real[0].suite)

    @cached_property
    def suite(self) -> Suite:
        """The canaries; those that stand a second time say so in their text."""
        real = self._real[0].suite.canaries
        again = np.arange(self.n_canaries) // len(real)
        chosen = [_numbered(real[place], int(time)) for place, time in zip(self.asked, again, strict=True)]
        return Suite("made", tuple(chosen))

    @cached_property
    def _tokens(self) -> tuple[list[npt.NDArray[np.int32]], list[bytes]]:
        """The kept tokens of each real model, numbered in one list of all spellings, and that list."""
        spelled = [split_bytes(one["token_bytes"], one["token_offsets"]) for one in self._arrays]
        every = sorted({token for tokens in spelled for token in tokens})
        number = {token: place for place, token in enumerate(every)}
        return [np.array([number[token] for token in tokens], np.int32) for tokens in spelled], every

    def write(self, made: Made, folder: Path) -> Recording:
        """The recording of one, in a folder of its name under `folder`."""
        rng = np.random.default_rng([3, made.seed])
        manifest = replace(self._real[0].manifest, candidate=made.name, model=made.name, suite=_named(self.suite))
        answers = [
            self._answer(canary, int(real), int(asked))
            for canary, real, asked in zip(self.suite.canaries, made.rows, self.asked, strict=True)
        ]
        arrays = {REDUCED: self._reduced(made, rng)}
        return save_recording(folder / folder_name(made.name), manifest, self.suite, answers, arrays, shared_suite=True)

    def _answer(self, canary: Canary, real: int, asked: int) -> Answer:
        recording = self._real[real]
        found = recording.greedy.get(recording.suite.canaries[asked].id)
        if found is None:
            return Answer(canary.id, 0, "empty")
        return Answer(canary.id, 0, "ok", found.text, prompt_tokens=found.prompt_tokens)

    def _reduced(self, made: Made, rng: np.random.Generator) -> Arrays:
        """The rows of the real models' arrays, put together, with probabilities and logits perturbed."""
        parts = [self._row(int(real), int(asked)) for real, asked in zip(made.rows, self.asked, strict=True)]
        joined = {key: [part[key] for part in parts] for key in parts[0]}
        counts = [len(one) for one in joined["bin_index"]]
        rows = np.repeat(np.arange(len(counts)), counts)
        mass = np.concatenate(joined["bin_probability"]).astype(np.float32)
        top = np.stack(joined["top"])
        used, places = np.unique(top, return_inverse=True)
        token_bytes, token_offsets = join_bytes([self._tokens[1][number] for number in used.tolist()])
        logprobs = np.stack(joined["top_logprobs"]).astype(np.float32)
        logprobs = -np.sort(-(logprobs + made.noise * rng.standard_normal(logprobs.shape)), axis=1)
        return {
            "canary_index": np.arange(len(counts), dtype=np.int32),
            "bin_offsets": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            "bin_index": np.concatenate(joined["bin_index"]),
            "bin_probability": perturbed(mass, rows, len(counts), made.noise, rng).astype(np.float16),
            "top_index": places.reshape(top.shape).astype(np.uint32),
            "top_logprobs": np.minimum(logprobs, 0).astype(np.float16),
            "token_ids": used.astype(np.int32),
            "token_bytes": token_bytes,
            "token_offsets": token_offsets,
            **{key: self._arrays[0][key] for key in ("subset_ids", "subset_tokens")},
            **{key: np.stack(joined[key]) for key in ("subset_steps", "subset_low", "subset_step")},
            "sketch": np.zeros((len(counts), 0), np.float16),
        }

    def _row(self, real: int, asked: int) -> Arrays:
        arrays = self._arrays[real]
        place = int(np.searchsorted(arrays["canary_index"], asked))
        start, end = arrays["bin_offsets"][place], arrays["bin_offsets"][place + 1]
        top = self._tokens[0][real][arrays["top_index"][place]]
        kept = {key: arrays[key][place] for key in ("top_logprobs", "subset_steps", "subset_low", "subset_step")}
        return {
            "bin_index": arrays["bin_index"][start:end],
            "bin_probability": arrays["bin_probability"][start:end],
            "top": top,
            **kept,
        }


def _numbered(canary: Canary, time: int) -> Canary:
    if time == 0:
        return canary
    if canary.text is None:
        messages = tuple(replace(one, content=f"{one.content} ({time})") for one in canary.messages or ())
        return replace(canary, id=f"{canary.id}-{time}", messages=messages)
    return replace(canary, id=f"{canary.id}-{time}", text=f"{canary.text} ({time})")


def _named(suite: Suite) -> dict[str, str]:
    return {"name": suite.name, "sha256": suite.sha256}


def lineage_lines(models: Sequence[Made]) -> str:
    """The CSV of made models that `kinprint evaluate` reads."""
    return "name,family,parent\n" + "".join(f"{one.name},{one.family},{one.parent or ''}\n" for one in models)
