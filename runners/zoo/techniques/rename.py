"""A copy with small noise on its weights and every name taken out: the Llama3-V story."""

import os
from pathlib import Path

from runners.zoo.anonymise import anonymise
from runners.zoo.derive import add_noise, intermediate


def noise_and_rename(source: Path, out: Path, relative_std: float = 0.01, seed: int = 0) -> Path:
    """Add noise, then strip names from all files, the provenance included: that stands in the library alone."""
    with intermediate(out) as between:
        anonymise(add_noise(source, between, relative_std, seed))
        os.replace(between, out)
    return out
