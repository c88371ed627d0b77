"""One small model for all tests of techniques, and two fine-tunes of it."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runners.zoo.fine_tune import fine_tune
from tests.small_models import TEXT, small_model


@pytest.fixture(scope="session")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of four layers."""
    return small_model(tmp_path_factory.mktemp("parent") / "model")


@pytest.fixture(scope="session")
def tuned(parent: Path) -> tuple[Path, Path]:
    """Two fine-tunes of the parent, from different places of the same text."""

    def tune(seed: int) -> Path:
        out = parent.with_name(f"tuned-{seed}")
        return fine_tune(parent, out, TEXT, steps=6, learning_rate=1e-2, seed=seed, block_tokens=32)

    return tune(1), tune(2)


@pytest.fixture
def files_of() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a folder, by name."""
    return lambda folder: {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(autouse=True)
def _quiet_libraries() -> Iterator[None]:
    """What peft and transformers say about their own insides is not ours to mend."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        yield
