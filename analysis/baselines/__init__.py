"""Peers: what others published, one method a file, to stand beside kinprint in its benchmark.

Each is written from its paper, reads the same recordings and pays with the same queries; none takes part in a verdict.
Each file has one `BASELINE`; a new file is a new peer.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from analysis.baselines.interface import Baseline


@cache
def all_baselines() -> dict[str, Baseline]:
    """Every peer as its paper has it, by its name."""
    modules = [import_module(f"{__name__}.{entry.name}") for entry in iter_modules(__path__)]
    found: list[Baseline] = [module.BASELINE for module in modules if hasattr(module, "BASELINE")]
    return {baseline.name: baseline for baseline in found}
