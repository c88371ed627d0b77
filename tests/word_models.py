"""Made-up libraries of which only one word a prompt is known: families, their members, and exact twins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.libraries.lineage import Lineage
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature
from tests.recordings import suite_of


@dataclass(frozen=True)
class WordLibrary:
    """`words` [n_models, n_canaries] by number, and the lineage of every model."""

    words: npt.NDArray[np.int64]
    lineage: dict[str, Lineage]

    @property
    def signatures(self) -> list[Signature]:
        return [word_signature(name, words) for name, words in zip(self.lineage, self.words, strict=True)]


def word_signature(name: str, words: Sequence[int] | npt.NDArray[np.int64]) -> Signature:
    """One word to each canary; -1 for no answer."""
    column, size = np.asarray(words)[:, None], len(words)
    arrays = {
        "words": np.where(column < 0, 0, column + 1).astype(np.uint64),
        "share": (column >= 0).astype(np.float32),
        "n_draws": (column[:, 0] >= 0).astype(np.int64),
    }
    canaries = suite_of(size).canaries
    return Signature(
        name,
        Access("text", draws=1),
        "tiny",
        canaries,
        {"first_word": arrays},
        column[:, 0] >= 0,
        {"ok": size},
        size,
        size,
        0.0,
    )


def word_library(
    sizes: Sequence[int],
    canaries: int = 120,
    own: float = 0.5,
    generic: float = 0.3,
    seed: int = 0,
    twins: bool = False,
) -> WordLibrary:
    """A family a size. A model says its family's word with chance `own`, everybody's with `generic`, else any.

    With `twins`, every model stands a second time under another name, marked as the same weights.
    """
    source = np.random.default_rng(seed)
    everybody = source.integers(0, 40, canaries)
    rows, lineage = [], {}
    for family, size in enumerate(sizes):
        theirs = source.integers(0, 40, canaries)
        for member in range(size):
            chance, name = source.random(canaries), f"model-{family}-{member}"
            any_word = source.integers(0, 40, canaries)
            words = np.where(chance < own, theirs, np.where(chance < own + generic, everybody, any_word))
            for suffix in ("", "-twin")[: 1 + twins]:
                rows.append(words)
                lineage[name + suffix] = Lineage(name + suffix, f"family-{family}", None, name)
    return WordLibrary(np.array(rows), lineage)
