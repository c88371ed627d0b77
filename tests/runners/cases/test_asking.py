"""References that a case brings: made before anybody is asked."""

from pathlib import Path
from typing import Any

import pytest

from analysis.libraries.library import Library
from probes.recording import Recording
from runners.cases import asking
from runners.cases.settings import CaseSettings
from runners.compose import settings_of
from tests.recordings import make_up, write_recording


def test_references_are_all_made_before_the_first_is_asked(
    made_up_library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After vLLM served in a process, no vision model can be made there."""
    done: list[str] = []

    def ask(name: str, model: Any, settings: Any, folder: Path, made_by: dict[str, str]) -> Recording:
        done.append(f"asked {name}")
        return write_recording(folder, make_up(0, 9), name=name)

    monkeypatch.setattr(asking, "place_of", lambda model: done.append(f"made {model}"))
    monkeypatch.setattr(asking, "ask", ask)
    where = ["library=folder", f"library.path={made_up_library.folder}", f"out={tmp_path}"]
    settings = settings_of("case", CaseSettings, ["experiment=llama3v_minicpm", "scale=small", *where])
    library = asking.library_of(settings, {})
    made, asked = ([one for one in done if one.startswith(what)] for what in ("made", "asked"))
    assert done == [*made, *asked]
    assert [one.removeprefix("asked ") for one in asked] == list(settings.cast.references)
    assert {f"made {one.model}" for one in settings.cast.references.values()} == set(made)
    assert {one.name for one in library.members} >= set(settings.cast.references)
