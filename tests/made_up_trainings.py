"""A library of independent trainings of one recipe and vocabulary, with descendants: spaces of logits, recorded."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from analysis.libraries.library import Library, Member, save_index
from probes.recording import Recording, load_recording
from tests.recordings import VOCABULARY, make_up, write_recording

SIZE, CANARIES, TAUGHT = 24, 32, 6


def logits_of(seed: int, parent: int | None = None, drift: float = 0.3) -> np.ndarray:
    """[CANARIES, n_tokens], of a seed; its directions are its parent's, if it has one, moved. What data teaches is
    shared."""
    data, own = np.random.default_rng(0), np.random.default_rng((1, seed))
    shared = data.normal(size=(CANARIES, TAUGHT)) * 3 @ data.normal(size=(TAUGHT, len(VOCABULARY)))
    root = np.random.default_rng((1, parent)) if parent is not None else own
    states, matrix = root.normal(size=(CANARIES, SIZE)), root.normal(size=(SIZE, len(VOCABULARY)))
    if parent is not None:
        states, matrix = (side + drift * own.normal(size=side.shape) for side in (states, matrix))
    return (shared + states @ matrix).astype(np.float32)


def record(
    folder: Path, name: str, logits: np.ndarray, tokenizer: str = "ab" * 32, keep: Sequence[int] = range(CANARIES)
) -> Recording:
    """A recording with full logits, in which only some canaries were answered."""
    silent = [f"c-{number:03}" for number in set(range(CANARIES)) - set(keep)]
    made = replace(make_up(0, size=CANARIES), logits=logits)
    write_recording(folder / name, made, name=name, silent=silent)
    path = folder / name / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "tokenizer": {"sha256": tokenizer}}), "utf-8")
    return load_recording(folder / name)


def write_trainings(folder: Path, seeds: int, drift: float = 0.3) -> Library:
    """Trainings s0, s1, ..., each with a descendant; `alone` has a vocabulary of its own."""
    members = []
    for seed in range(seeds):
        record(folder, f"s{seed}", logits_of(seed))
        record(folder, f"s{seed}-child", logits_of(100 + seed, seed, drift))
        members.append(Member(f"s{seed}", "plan", kind="lookalike", lineage=f"s{seed}"))
        members.append(Member(f"s{seed}-child", "plan", f"s{seed}", "light", kind="descendant", lineage=f"s{seed}"))
    record(folder, "alone", logits_of(50), "cd" * 32)
    members.append(Member("alone", "alone", kind="base", lineage="alone"))
    save_index(folder, "made-up", members)
    return Library.load(folder)
