"""Known tokenizers: their counts cover the suites, tell most of them apart, and name those that they can't."""

import numpy as np
import pytest

from analysis.libraries.library import Library
from analysis.signatures.signature import signature
from analysis.tokenizers.fit import collisions, digest_of, fit_tokenizers, known_counts, known_tokenizers
from probes.suite import load_suite

NAMES = list(known_tokenizers())
TRAPS = [canary.digest for canary in load_suite("tokenizer").canaries]


def test_every_plain_prompt_was_counted() -> None:
    asked = {
        c.digest for name in ("core", "quick", "tokenizer") for c in load_suite(name).canaries if c.text is not None
    }
    assert asked == set(known_counts())
    assert digest_of("a") != digest_of("b")


def test_at_least_twelve_vectors_differ() -> None:
    merged = sum(len(group) - 1 for group in collisions())
    assert len(NAMES) - merged >= 12


def test_collisions_are_named() -> None:
    assert ("qwen", "qwen3", "qwen2.5-zoo") in collisions()
    for group in collisions():
        place = NAMES.index(group[0])
        fit = fit_tokenizers({digest: known_counts()[digest][place] for digest in TRAPS})
        assert fit is not None
        assert fit.fits == tuple(sorted(group))
        assert set(fit.families) == {family for name in group for family in known_tokenizers()[name].families}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("constant", [0, 1, 37])
def test_a_tokenizer_fits_itself_whatever_stands_around_the_prompt(name: str, constant: int) -> None:
    counts = {digest: known_counts()[digest][NAMES.index(name)] + constant for digest in TRAPS}
    fit = fit_tokenizers(counts)
    assert fit is not None
    [group] = [g for g in collisions() if name in g] or [(name,)]
    assert fit.fits == tuple(sorted(group))


def test_a_count_of_its_own_fits_none() -> None:
    fit = fit_tokenizers({digest: 5 + number % 7 for number, digest in enumerate(TRAPS)})
    assert fit is not None
    assert fit.fits == fit.families == ()


def test_too_few_known_prompts_say_nothing() -> None:
    assert fit_tokenizers(dict.fromkeys(TRAPS[:7], 5.0)) is None
    assert fit_tokenizers({"unknown": 5.0}) is None
    assert fit_tokenizers(dict.fromkeys(TRAPS, np.nan)) is None


@pytest.mark.parametrize(
    ("member", "fits"), [("smollm2", "smollm2-zoo"), ("gemma3-pruned", "gemma3"), ("qwen2.5-coder-int4", "qwen3")]
)
def test_shipped_recordings_fit_their_own(member: str, fits: str) -> None:
    library = Library.load()
    found = signature(library.recording(next(m for m in library.members if m.name == member)))
    shown = dict(zip(NAMES, found.whole["tokenizer_fit"]["fits"].tolist(), strict=True))
    assert {name for name, fit in shown.items() if fit} == {fits, *(n for g in collisions() if fits in g for n in g)}
