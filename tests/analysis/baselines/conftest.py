"""What peers see of the shipped references: a few members of each family, on 32 canaries of the core suite."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from analysis.baselines.outputs import Outputs, outputs_of
from analysis.libraries.library import Library
from analysis.signatures.observation import Access
from runners.embeddings.answers import with_embeddings

TECHNIQUES = ("", "-int4", "-code-tuned")
FAMILIES = ("smollm2", "gemma3", "qwen2.5-coder")
EMBEDDINGS = Path(__file__).parents[2] / "data" / "answer_embeddings.safetensors"
"""Of the answers below, by the packaged encoder; `with_embeddings(models, EMBEDDINGS)` makes the file again."""
ACCESSES = {"logits": Access("logits"), "topk": Access("topk", top_k=20), "text": Access("text", draws=4)}


@pytest.fixture(scope="session")
def shipped() -> dict[str, list[Outputs]]:
    """By tier, the base, a quantized and a fine-tuned member of each shipped family."""
    library = Library.load()
    members = {member.name: member for member in library.members}
    chosen = [members[family + technique] for family in FAMILIES for technique in TECHNIQUES]
    recordings = [(library.recording(member), member.family) for member in chosen]
    places = np.sort(np.random.default_rng(0).choice(len(recordings[0][0].suite), 32, replace=False))
    return {
        tier: [outputs_of(recording, access, family).take(places) for recording, family in recordings]
        for tier, access in ACCESSES.items()
    }


@pytest.fixture(scope="session")
def embedded(shipped: dict[str, list[Outputs]]) -> list[Outputs]:
    """The same at tier `text`, with the embeddings of their answers."""

    def compute(texts: Sequence[str]) -> NoReturn:
        raise AssertionError(f"{EMBEDDINGS.name} lacks {texts[0]!r}: the references changed; make it again")

    return with_embeddings(shipped["text"], EMBEDDINGS, compute)


@pytest.fixture
def model() -> Callable[..., Outputs]:
    """Makes a model of its samples: a list of texts for each canary; the first of each is its greedy answer too."""

    def make(name: str, samples: Sequence[Sequence[str]], lineage: str = "", **changes: object) -> Outputs:
        greedy = tuple(texts[0] if texts else None for texts in samples)
        values: dict[str, object] = {
            "name": name,
            "access": ACCESSES["text"],
            "digests": tuple(f"{number:016x}" for number in range(len(samples))),
            "greedy": greedy,
            "first_token": tuple(None if text is None else text.encode() for text in greedy),
            "samples": tuple(Counter(texts) for texts in samples),
            "sampled": "answers",
            "first_words": tuple(Counter(texts) for texts in samples),
            "lineage": lineage,
        }
        return Outputs(**{**values, **changes})  # type: ignore[arg-type]

    return make
