"""Reduced recordings: small, declared, and good for every tier."""

from pathlib import Path

import numpy as np
import pytest

from analysis.attribution.attribute import Rules, attribute
from analysis.libraries.library import Library
from analysis.signatures.observation import Access, observe
from analysis.signatures.reduction import SKETCH, SMALL, SUBSET, Reduction, reduce_recording, subset_logits
from analysis.signatures.signature import signature
from probes.errors import RecordingError
from probes.recording import Recording, file_sha256, load_recording
from tests.recordings import VOCABULARY, make_up, write_recording


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return write_recording(tmp_path_factory.mktemp("full") / "m", make_up(1, 3))


@pytest.fixture(scope="module")
def reduced(full: Recording) -> Recording:
    return load_recording(reduce_recording(full, full.folder.parent / "reduced").folder)


def test_what_was_left_out_and_how_is_declared(full: Recording, reduced: Recording) -> None:
    declared = reduced.manifest.reduced
    assert declared is not None
    assert declared["full_logits_sha256"] == file_sha256(full.folder / "logits.safetensors")
    assert {"bins", "bin_floor", "top_tokens", "subset", "sketch", "seed", "dtype"} <= set(declared)
    assert reduced.manifest.tier == "logits"
    assert reduced.logits is None
    assert set(reduced.manifest.files) == {"suite.jsonl", "answers.parquet", "reduced.safetensors"}


def test_the_arrays_have_the_declared_shapes(full: Recording, reduced: Recording) -> None:
    arrays, logits = reduced.reduced, full.logits
    assert arrays is not None
    assert logits is not None
    assert arrays["sketch"].shape == (24, SKETCH)
    subset = arrays["subset_ids"]
    assert len(set(subset.tolist())) == len(subset) == min(SUBSET, len(VOCABULARY) - 1)  # one spells nothing
    centred = logits["logits"] - logits["logits"].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(arrays["subset_logits"], centred[:, subset], atol=5e-3)


def test_the_sketch_keeps_inner_products(full: Recording, reduced: Recording) -> None:
    arrays, logits = reduced.reduced, full.logits
    assert arrays is not None
    assert logits is not None
    centred = logits["logits"] - logits["logits"].mean(axis=1, keepdims=True)
    exact, sketched = centred @ centred.T, arrays["sketch"].astype(float) @ arrays["sketch"].astype(float).T
    error = np.linalg.norm(centred, axis=1)[:, None] * np.linalg.norm(centred, axis=1) * np.sqrt(2 / SKETCH)
    assert (np.abs(sketched - exact) <= 4 * error).all()
    assert np.corrcoef(sketched.ravel(), exact.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("access", [Access("logits"), Access("topk", 20), Access("text", draws=8)])
def test_every_tier_can_be_scored_from_it(reduced: Recording, made_up_library: Library, access: Access) -> None:
    verdict = attribute(signature(reduced, access), made_up_library, Rules(attributed_at=0.8))
    assert (verdict.decision, verdict.family) == ("attributed", "birch")


def test_it_is_far_smaller_than_what_it_stands_for(tmp_path: Path) -> None:
    # the width of a small real vocabulary; the made-up one is smaller than what is kept of any
    model = make_up(0, 1, size=8)
    wide = np.random.default_rng(0).normal(size=(8, 30_000)).astype(np.float32)
    recording = write_recording(tmp_path / "wide", model)
    assert recording.logits is not None
    recording.logits.update(
        logits=wide,
        token_bytes=np.frombuffer(b"abc" * 10_000, np.uint8),
        token_offsets=np.arange(30_001, dtype=np.int64),
    )
    small = reduce_recording(recording, tmp_path / "small")
    assert (small.folder / "reduced.safetensors").stat().st_size < wide.nbytes / 20


def test_less_can_be_kept(full: Recording, reduced: Recording, tmp_path: Path) -> None:
    little = reduce_recording(full, tmp_path / "little", Reduction(floor=1e-2, subset=8, sketch=0))
    assert little.manifest.reduced is not None
    assert little.reduced is not None
    assert reduced.reduced is not None
    assert little.manifest.reduced["subset"] == little.reduced["subset_logits"].shape[1] == 8
    assert {*little.reduced["subset_ids"].tolist()} < {*reduced.reduced["subset_ids"].tolist()}
    assert little.reduced["bin_probability"].min() >= 1e-2
    assert little.reduced["sketch"].size == 0


def test_eight_bits_keep_logits_to_half_a_step(full: Recording, tmp_path: Path) -> None:
    fine = reduce_recording(full, tmp_path / "fine", Reduction(subset=32))
    coarse = reduce_recording(full, tmp_path / "coarse", Reduction(subset=32, bits=8))
    assert fine.reduced is not None
    assert coarse.reduced is not None
    one, other = subset_logits(fine.reduced), subset_logits(coarse.reduced)
    assert np.abs(one - other).max() <= (np.ptp(one, axis=1) / 255).max() / 2 + 1e-2


def test_a_small_reduction_is_read_as_the_recording_itself(full: Recording, tmp_path: Path) -> None:
    seen, small = observe(full), observe(reduce_recording(full, tmp_path / "library" / "small", SMALL))
    np.testing.assert_allclose(seen.bins, small.bins, atol=4e-2)  # what lies under the floor is shared out
    assert small.token_ids is not None
    assert seen.token_ids is not None
    np.testing.assert_array_equal(seen.token_ids[:, :20], small.token_ids[:, :20])


@pytest.mark.parametrize("tier", ["topk", "text"])
def test_without_full_logits_there_is_nothing_to_reduce(tmp_path: Path, tier: str) -> None:
    recording = write_recording(tmp_path / "m", make_up(0), tier)  # type: ignore[arg-type]
    with pytest.raises(RecordingError, match="has no full logits to reduce; collect it with tier=logits"):
        reduce_recording(recording, tmp_path / "out")
    assert not (tmp_path / "out").exists()
