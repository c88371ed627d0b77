"""The bundle that comes with the project stands; if the verdict's code changed, `python -m tests.shipped_bundle`."""

import json
from pathlib import Path

import pytest

from analysis.bundle.basis import Basis
from analysis.bundle.container import unpack
from analysis.bundle.origin import origins
from probes.recording import load_recording
from runners.cli import main
from tests.shipped_bundle import EXAMPLE, KEPT, KEY


def test_the_shipped_bundle_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(EXAMPLE), f"key={KEY}"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("stands: “smollm2” descends from the smollm2 family (probability ")
    assert "Signed by the key given (keyid " in said
    assert f"references: {len(KEPT)} of {len(KEPT)} come with this kinprint (" in said
    assert "rules: this kinprint's own" in said


def test_references_that_are_called_otherwise_are_not_those_that_come_with_kinprint(tmp_path: Path) -> None:
    """Whoever signs may call a stranger kin; the reader's own library tells."""
    unpack(EXAMPLE, tmp_path)
    index = json.loads((tmp_path / "library" / "library.json").read_text("utf-8"))
    index["members"][0]["family"] = "gemma3"
    (tmp_path / "library" / "library.json").write_text(json.dumps(index), "utf-8")
    settings = json.loads((tmp_path / "settings.json").read_text("utf-8"))
    settings["rules"]["attributed_at"] = 0.8
    references, rules = origins(tmp_path, Basis.of_entry(settings), load_recording(tmp_path / "recording"))
    assert references.startswith("references: 3 of 4 come with this kinprint (")
    assert "left out: " in references
    assert rules == "rules: other than this kinprint's in attributed_at"
