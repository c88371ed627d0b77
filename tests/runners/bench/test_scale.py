"""The made models of the benchmark of scale are what recordings of them would be."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis.libraries.library import ZOO, Library, save_index
from analysis.search.index import opened, update
from analysis.search.packed import CHANNELS, Packed
from analysis.search.sketch import sketch
from analysis.signatures.signature import signature
from probes.errors import KinprintError
from probes.recording import folder_name
from runners.bench.made_distances import distance_rows
from runners.bench.made_library import Shaper
from runners.bench.made_models import Population
from runners.bench.made_recordings import Recorder
from runners.bench.scale import measure

NAMES = ("smollm2", "smollm2-w8", "gemma3", "gemma3-w8")


@pytest.fixture(scope="module")
def shaper(tmp_path_factory: pytest.TempPathFactory) -> Shaper:
    folder = tmp_path_factory.mktemp("scale")
    zoo = Library.load(ZOO)
    shutil.copytree(ZOO / "suites", folder / "suites")
    for name in NAMES:
        shutil.copytree(ZOO / folder_name(name), folder / folder_name(name))
    save_index(folder, "few", [member for member in zoo.members if member.name in NAMES])
    update(Library.load(folder))
    library = Library.load(folder)
    [shelf] = opened(library).values()
    return Shaper(Population(library), shelf)


def test_an_entry_is_what_a_recording_of_the_made_model_would_give(shaper: Shaper, tmp_path: Path) -> None:
    library, width = shaper.population.library, len(shaper.shelf.digests)
    base = shaper.population.model(0, width)
    entry = shaper.entry(base)
    recorded = signature(Recorder(library, width).write(base, tmp_path), only=CHANNELS)
    assert recorded.digests == shaper.shelf.digests
    np.testing.assert_allclose(entry.sketch, sketch(recorded), atol=0.02)
    ours, theirs = Packed.of_bytes(entry.packed, "x").channels, recorded.channels
    np.testing.assert_array_equal(ours["greedy"]["text"], theirs["greedy"]["text"])
    np.testing.assert_allclose(ours["next_token"]["bins"], theirs["next_token"]["bins"], atol=2e-3)


def test_members_of_a_made_family_are_nearer_than_strangers(shaper: Shaper) -> None:
    width = len(shaper.shelf.digests)
    one, kin, stranger = (shaper.entry(shaper.population.model(n, width)).sketch for n in (0, 1, 20))
    assert one @ kin > one @ stranger
    again = shaper.entry(shaper.population.model(1, width)).sketch
    np.testing.assert_array_equal(kin, again)


def test_distances_of_real_and_of_made_models_stand_side_by_side(shaper: Shaper) -> None:
    rows = {row.name: row.value for row in distance_rows(shaper)}
    assert sorted(name for name in rows if "/real/" in name) == sorted(
        name.replace("/made/", "/real/") for name in rows if "/made/" in name
    )
    assert all(0 <= (value or 0) < 1 for value in rows.values())


def test_a_number_of_references_that_is_none_is_refused() -> None:
    with pytest.raises(KinprintError, match="200 references"):
        measure(["many"])
