"""`kinprint replicate` against an endpoint on loopback: the same model, and another one behind the same name."""

import json
from pathlib import Path

import pytest

from analysis.bundle.container import pack
from analysis.bundle.envelope import sign
from analysis.bundle.recompute import RECORDING
from analysis.bundle.seal import ENVELOPE, EVIDENCE, subjects_in
from probes.recording import load_recording
from runners.cli import main
from runners.signing_key import new_key, private_key
from tests.endpoint import Endpoint
from tests.recordings import suite_of
from tests.runners.api.test_watch import swap, words


def bundled(url: str, place: Path, tier: str) -> Path:
    """A bundle with a recording of the endpoint, and no verdict: that is not what is replicated."""
    (place / "suite.jsonl").write_text(suite_of(24).to_jsonl(), "utf-8")
    suite = ["suite=file", f"suite.path={place / 'suite.jsonl'}"]
    assert main(["collect", *words(url, place / "folder" / RECORDING, *suite, f"tier={tier}")]) == 0
    key = private_key(new_key(place / "key").with_suffix(""))
    (place / "folder" / ENVELOPE).write_bytes(sign(subjects_in(place / "folder"), EVIDENCE, {}, key))
    pack(place / "x.zip", place / "folder")
    return place / "x.zip"


def test_the_same_endpoint_answers_the_same_and_another_model_does_not(
    endpoint: Endpoint, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = bundled(url, tmp_path, "topk")
    capsys.readouterr()
    key = f"key={tmp_path / 'key.pub'}"
    assert main(["replicate", f"bundle={bundle}", key, *words(url, tmp_path / "again", "alpha=0.05")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Same: ")
    assert "whoever signed it did not invent these answers" in said
    first, again = load_recording(tmp_path / "folder" / RECORDING).manifest, load_recording(tmp_path / "again").manifest
    assert (first.suite["sha256"], first.tier, first.queries) == (again.suite["sha256"], again.tier, again.queries)
    assert first.sampling == again.sampling
    assert json.loads((tmp_path / "again" / "equality.json").read_text("utf-8"))["decision"] == "same"
    swap(endpoint)
    assert main(["replicate", f"bundle={bundle}", key, *words(url, tmp_path / "swapped", "alpha=0.05")]) == 1
    assert capsys.readouterr().out.startswith("Different: ")


def test_a_bundle_that_was_changed_is_not_replicated(
    endpoint: Endpoint, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.fixed = True
    bundle = bundled(url, tmp_path, "text")
    before = len(endpoint.asked)
    bundle.write_bytes(bundle.read_bytes() + b"\0")
    assert main(["replicate", f"bundle={bundle}", *words(url, tmp_path / "again")]) == 2
    assert len(endpoint.asked) == before
    assert "no bundle, or was damaged" in capsys.readouterr().err
