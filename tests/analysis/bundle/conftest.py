"""A small bundle: made-up models, and the verdict on one of them."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.attribution.rules import Rules
from analysis.bundle.contents import Asked, gather
from analysis.bundle.seal import seal
from analysis.libraries.library import Library
from tests.recordings import make_up, write_recording

RULES = Rules(channels=("next_token", "greedy"), kinship=None)


@pytest.fixture(scope="session")
def key() -> Ed25519PrivateKey:
    """The same one every time, so that bundles can be compared."""
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="session")
def gathered(made_up_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is packed: not to be written into."""
    place = tmp_path_factory.mktemp("gathered")
    recording = write_recording(place / "made-up", make_up(0, 4), "topk", name="candidate")
    library = made_up_library.without(techniques=["rounding", "pruning"])
    gather(recording, Asked(RULES, library, library), place / "bundle")
    return place / "bundle"


@pytest.fixture(scope="session")
def bundle(gathered: Path, key: Ed25519PrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file."""
    place = tmp_path_factory.mktemp("sealed")
    shutil.copytree(gathered, place / "folder")
    seal(place / "folder", key, place / "made-up.kinprint.zip")
    return place / "made-up.kinprint.zip"


@pytest.fixture
def folder(gathered: Path, tmp_path: Path) -> Path:
    """A copy of the folder, to be changed before it is sealed."""
    return Path(shutil.copytree(gathered, tmp_path / "folder"))
