"""A small library of two families, and a candidate whose name and answers are hostile."""

from pathlib import Path

import pytest

from analysis.libraries.library import Library, save_index
from probes.recording import Recording
from tests.analysis.report.samples import HOSTILE, MEMBERS, record


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "library"
    record(folder, "smollm2", [" whispered to the sea", "blue"])
    record(folder, "gemma3", [" shouted", "green\n"])
    save_index(folder, "tiny-1", MEMBERS)
    return Library.load(folder)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return record(
        tmp_path / "candidate", f"shell{HOSTILE}", [" whispered to nobody", f"blue{HOSTILE}", "", "\u05d0\u202d"]
    )
