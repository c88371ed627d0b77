"""The bundle that comes with the project stands; if the verdict's code changed, `python -m tests.shipped_bundle`."""

import pytest

from runners.cli import main
from tests.shipped_bundle import EXAMPLE, KEY


def test_the_shipped_bundle_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(EXAMPLE), f"key={KEY}"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("stands: “smollm2” descends from the smollm2 family (probability ")
    assert "Signed by the key given (keyid " in said
