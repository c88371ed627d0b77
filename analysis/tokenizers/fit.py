"""Whose tokenizer: the known ones that cut the prompts into as many tokens as the candidate's does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from probes.canary import Canary

COUNTS = Path(__file__).parent / "counts.json"
FEWEST_PROMPTS = 8
_FITS = 0.98  # of the prompts: a template may join its last token to the first one of a prompt


@dataclass(frozen=True)
class KnownTokenizer:
    """One tokenizer: the families known to use it, and the package that its counts were made from."""

    name: str
    families: tuple[str, ...]
    package: str
    version: str


@dataclass(frozen=True)
class TokenizerFit:
    """`agreement`: the share of `prompts` that each known tokenizer cuts alike, up to one constant for all of them.

    `fits` are the tokenizers that can't be told from the candidate's: none, one, or several that share a vocabulary.
    """

    prompts: int
    agreement: dict[str, float]

    @property
    def fits(self) -> tuple[str, ...]:
        """Names of the known tokenizers that fit, sorted."""
        return tuple(sorted(name for name, share in self.agreement.items() if share >= _FITS))

    @property
    def families(self) -> tuple[str, ...]:
        """All families that use one of them, sorted."""
        return tuple(sorted({family for name in self.fits for family in known_tokenizers()[name].families}))


@cache
def known_tokenizers() -> dict[str, KnownTokenizer]:
    """Every tokenizer whose counts ship, by name."""
    entries = json.loads(COUNTS.read_text("utf-8"))["tokenizers"]
    found = (KnownTokenizer(e["name"], tuple(e["families"]), e["package"], e["version"]) for e in entries)
    return {tokenizer.name: tokenizer for tokenizer in found}


@cache
def known_counts() -> dict[str, npt.NDArray[np.float64]]:
    """Tokens of each shipped prompt by its digest: [n_tokenizers], in the order of `known_tokenizers`."""
    prompts = json.loads(COUNTS.read_text("utf-8"))["prompts"]
    return {digest_of(entry["text"]): np.array(entry["counts"], np.float64) for entry in prompts}


def digest_of(text: str) -> str:
    """The digest of a prompt of plain text, as canaries have it."""
    return Canary("x", "tokenizer", text, None, 1, 1, "", "").digest


def fit_tokenizers(counts: Mapping[str, float]) -> TokenizerFit | None:
    """Compare prompt token counts by prompt digest with those of every known tokenizer.

    A constant difference is allowed: a begin-of-text token, a template around the prompt. None where fewer than
    FEWEST_PROMPTS of the prompts are known.
    """
    known = known_counts()
    shared = [digest for digest, count in counts.items() if digest in known and not np.isnan(count)]
    if len(shared) < FEWEST_PROMPTS:
        return None
    difference = np.array([counts[digest] - known[digest] for digest in shared])  # [n_prompts, n_tokenizers]
    agreement = {
        name: float(np.unique(column, return_counts=True)[1].max() / len(shared))
        for name, column in zip(known_tokenizers(), difference.T, strict=True)
    }
    return TokenizerFit(len(shared), agreement)


def collisions() -> list[tuple[str, ...]]:
    """Groups of known tokenizers that no shipped prompt tells apart, even up to a constant."""
    names, table = list(known_tokenizers()), np.array(list(known_counts().values()))
    groups: dict[bytes, list[str]] = {}
    for name, column in zip(names, table.T, strict=True):
        groups.setdefault((column - column[0]).tobytes(), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]
